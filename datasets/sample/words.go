package sample

// A person is a name and the pronoun that goes with it.
type person struct{ name, pronoun string }

func (d draw) person() person {
	people := []person{
		{"Mara", "she"}, {"Tom", "he"}, {"Aisha", "she"}, {"Ben", "he"}, {"Chloe", "she"}, {"Diego", "he"},
		{"Elif", "she"}, {"Femi", "he"}, {"Greta", "she"}, {"Hugo", "he"}, {"Ines", "she"}, {"Jonas", "he"},
		{"Keiko", "she"}, {"Liam", "he"}, {"Nadia", "she"}, {"Omar", "he"}, {"Priya", "she"}, {"Rafael", "he"},
		{"Sofia", "she"}, {"Viktor", "he"}, {"Wanda", "she"}, {"Yusuf", "he"},
	}
	return people[d.IntN(len(people))]
}

// another is a person with another name.
func (d draw) another(than person) person {
	for {
		if p := d.person(); p.name != than.name {
			return p
		}
	}
}

func (d draw) thing() string {
	return d.pick("apples", "oranges", "marbles", "stamps", "pencils", "books", "shells", "coins", "cards", "buttons",
		"cookies", "eggs", "balloons", "stickers", "candles", "tickets", "lemons", "postcards", "seeds", "tiles", "nails", "bricks")
}

func (d draw) container() string {
	return d.pick("bags", "boxes", "baskets", "crates", "packets", "jars", "trays")
}

// aside is a sentence that does not matter, often with a number in it.
func (d draw) aside(p person, thing string) string {
	other := d.another(p)
	things := d.thing()
	for things == thing {
		things = d.thing()
	}
	switch d.IntN(7) {
	case 0:
		return d.pick("It is a sunny day.", "The radio is playing.", "It has been raining since the morning.", "The neighbours are away.")
	case 1:
		return fill("The shop closes at {a}.", d.between(4, 9))
	case 2:
		return fill("{a} is {b} years old.", capital(p.pronoun), d.between(8, 70))
	case 3:
		return fill("{a} has {b} {c}.", other.name, d.between(2, 40), things)
	case 4:
		return fill("The bus ride takes {a} minutes.", d.between(10, 55))
	case 5:
		return fill("There are {a} {b} on the table.", d.between(3, 30), things)
	}
	return fill("{a} wears a {b} hat.", p.name, d.pick("red", "blue", "green", "straw"))
}

func (d draw) noun() string {
	return d.pick("river", "window", "butter", "garden", "yellow", "planet", "silver", "monkey", "bottle", "carrot",
		"ladder", "bridge", "copper", "winter", "summer", "pepper", "button", "basket", "island", "pillow",
		"lemon", "tiger", "bread", "stone", "cloud", "piano", "grape", "horse", "table", "music",
		"banana", "letter", "rabbit", "castle", "forest", "meadow", "candle", "violin", "orange", "barrel")
}

func (d draw) longWord() string {
	return d.pick("strawberry", "mississippi", "bookkeeper", "parallel", "committee", "cinnamon", "assessment", "possession",
		"raspberry", "tomorrow", "necessary", "millennium", "successful", "butterfly", "occurrence", "pineapple",
		"grasshopper", "nevertheless", "independence", "refrigerator", "accommodation", "hippopotamus")
}
