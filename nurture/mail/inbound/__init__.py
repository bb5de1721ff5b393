"""Mail that comes back: read here, judged in domain/feedback.py. Everything in it is hostile until read, so each reading is bounded."""
