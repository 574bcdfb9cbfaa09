package verify

func init() { settleFor = 0 } // in tests nothing is under way
