package table

import (
	_ "embed" // the presets
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

//go:embed presets.json
var presetFile []byte

// preset is what is known of a carrier but its prices, with where it was read.
type preset struct {
	Source   string   `json:"source"`
	ReadOn   string   `json:"read_on"`
	Settings Settings `json:"settings"`
}

var presets = sync.OnceValue(func() map[string]preset {
	var all map[string]preset
	if err := json.Unmarshal(presetFile, &all); err != nil {
		panic(err) // it is part of the program
	}
	return all
})

// Presets lists the carriers of which all but the prices is known.
func Presets() []string { return slices.Sorted(maps.Keys(presets())) }

// preset fills in what is empty. A service that the preset has needs its code
// and rows only; services of the preset without rows are not offered.
func (s *Settings) preset() error {
	if s.Preset == "" {
		return nil
	}
	p, ok := presets()[s.Preset]
	if !ok {
		return fmt.Errorf("preset: must be one of %s", strings.Join(Presets(), ", "))
	}
	known := p.Settings
	if s.Name == "" {
		s.Name = known.Name
	}
	if s.Country == "" {
		s.Country = known.Country
	}
	if s.Currency == "" {
		s.Currency = known.Currency
	}
	filled := slices.Clone(s.Services)
	for i := range filled {
		v := &filled[i]
		at := slices.IndexFunc(known.Services, func(k Service) bool { return k.Code == v.Code })
		if at < 0 {
			continue
		}
		k := known.Services[at]
		if v.Name == "" {
			v.Name = k.Name
		}
		if v.Level == "" {
			v.Level = k.Level
		}
		if v.Series == "" {
			v.Series = k.Series
		}
		for _, limit := range []struct{ mine, theirs *int64 }{{&v.MostG, &k.MostG}, {&v.MostSideMM, &k.MostSideMM}, {&v.MostGirthMM, &k.MostGirthMM}} {
			if *limit.mine == 0 {
				*limit.mine = *limit.theirs
			}
		}
	}
	s.Services = filled
	return nil
}
