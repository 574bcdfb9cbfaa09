package skill

import "slices"

// All lists every skill that there is.
func All() []Skill { return slices.Concat(orderSkills(), shopSkills()) }
