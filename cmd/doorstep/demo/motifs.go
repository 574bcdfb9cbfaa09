package demo

// motifOfCategory is the drawing of a product whose handle has no telling word.
var motifOfCategory = map[string]string{
	"Kitchen": "mug", "Pantry": "pack", "Textiles": "cloth", "Stationery": "notebook", "Toys": "blocks",
	"Candles & home scent": "candle", "Garden": "plant", "Bags": "tote",
}

// motifWords say which drawing a handle calls for; the first that fits counts.
var motifWords = []named{
	{"camp-mug", "enamel"}, {"mug", "mug"}, {"glass-cup", "doublewall"}, {"tea-glasses", "glass"}, {"jazzve-gift", "jazzveset"}, {"jazzve", "jazzve"}, {"grinder", "grinder"}, {"teapot", "teapot"}, {"tea-set", "teapot"},
	{"bowl", "bowl"}, {"plate", "plate"}, {"lavash-board", "board"}, {"chopping", "board"}, {"coasters", "coasters"}, {"trivet", "weave"}, {"placemats", "weave"},
	{"mortar", "mortar"}, {"spoons", "spoons"}, {"stew", "stewpot"}, {"trio", "tins"}, {"pomegranate-sauce", "bottle"}, {"kroeung", "jar"}, {"honey", "jar"},
	{"preserve", "jar"}, {"jam", "jar"}, {"sujukh", "sujukh"},
	{"tea-towel", "towel"}, {"bath-towel", "towel"}, {"runner", "towel"}, {"krama-elephant", "softelephant"}, {"krama-tote", "tote"}, {"krama", "krama"}, {"shawl", "shawl"}, {"blanket", "blanket"}, {"indigo-cushion", "dots"}, {"cushion", "cushion"}, {"rug", "rug"}, {"hammock", "hammock"}, {"napkins", "napkins"}, {"apron", "apron"}, {"socks", "socks"}, {"kaftan", "kaftan"},
	{"lotus-paper", "journal"}, {"notebook", "notebook"}, {"planner", "notebook"}, {"calendar", "calendar"}, {"pen", "pen"}, {"pencil-roll", "roll"}, {"pencil", "pencils"}, {"stamp", "stamps"}, {"cards", "cards"}, {"sticker", "stickers"}, {"wrapping", "wrap"}, {"tape", "tape"}, {"cookbook", "book"}, {"book", "book"}, {"sea", "book"},
	{"pull-elephant", "elephant"}, {"stacking", "arches"}, {"cart", "cart"}, {"tops", "top"}, {"bear", "bear"}, {"doll", "doll"}, {"backgammon", "backgammon"}, {"chess", "chess"}, {"puzzle", "puzzle"}, {"blocks", "blocks"}, {"puppet", "puppet"}, {"kite", "kite"}, {"shvi", "flute"},
	{"apricot-blossom", "tin"}, {"soy", "candle"}, {"pillar", "pillar"}, {"tapers", "tapers"}, {"pomegranate-candle", "pomegranate"}, {"floating", "lotus"}, {"tealights", "tealights"}, {"diffuser", "diffuser"}, {"spray", "spray"}, {"essential", "dropper"}, {"burner", "burner"}, {"frankincense", "burner"}, {"incense", "incense"}, {"sachets", "sachet"}, {"tuff-candle", "stone"}, {"snuffer", "snuffer"}, {"candle-holder", "candlestick"},
	{"planter", "planter"}, {"plant-basket", "hamper"}, {"plant-hanger", "hanger"}, {"plant-markers", "markers"}, {"terracotta", "plant"}, {"pomegranate-vase", "vase"}, {"karas", "karas"}, {"watering", "can"}, {"trowel", "trowel"}, {"secateurs", "shears"}, {"gloves", "gloves"}, {"twine", "twine"}, {"growing-kit", "kit"}, {"seeds", "seeds"}, {"feeder", "feeder"}, {"chime", "chime"},
	{"bread-bag", "pouch"}, {"rice-sack", "ricebag"}, {"tote", "tote"}, {"shoulder-bag", "satchel"}, {"crossbody", "satchel"}, {"backpack", "backpack"}, {"round-bag", "roundbag"}, {"basket", "basket"}, {"wallet", "wallet"}, {"purse", "purse"}, {"clutch", "purse"}, {"gift-pouches", "pouch"}, {"pouch", "pouches"}, {"travel-pouch", "pouches"}, {"sleeve", "sleeve"},
}
