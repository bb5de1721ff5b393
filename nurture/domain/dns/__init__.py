"""What the records of a sending domain must say: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 9989). Rules ask questions, others answer."""
