"""The aggressive-sale cleanup: whom it asks, in which steps, when it stops, what it found out. Pure rules; see design note 0024."""
