"""Which lead stands where and when: names, columns, clock, orientation."""
