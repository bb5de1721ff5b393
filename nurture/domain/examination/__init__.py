"""What `nurture doctor` makes of what was seen: facts in, one sentence for each out. Records of the DNS are domain/dns."""
