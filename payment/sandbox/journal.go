package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// load replays the journal. A line cut short by a crash can only be the last
// one; its answer was never sent, so it is dropped.
func (g *Gateway) load(f *os.File) error {
	good, err := replay(f, func(c Charge) { g.keep(&c) })
	if err != nil {
		return err
	}
	g.written = good
	return f.Truncate(good)
}

// replay calls each for every whole line, and says where the last one ends.
func replay(r io.Reader, each func(c Charge)) (good int64, err error) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return good, nil
		}
		if err != nil {
			return good, err
		}
		var c Charge
		if err := json.Unmarshal(line, &c); err != nil {
			return good, fmt.Errorf("offset %d: %w", good, err)
		}
		each(c)
		good += int64(len(line))
	}
}

// Journal reads the books of a gateway that may be at work in another process.
type Journal string

// Name is "sandbox".
func (Journal) Name() string { return "sandbox" }

// Books calls each for every charge as it stands now; without a file there is none.
func (j Journal) Books(each func(c Charge)) error {
	f, err := os.Open(string(j))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	newest := map[string]Charge{}
	if _, err := replay(f, func(c Charge) { newest[c.ID] = c }); err != nil {
		return fmt.Errorf("sandbox: %s: %w", string(j), err)
	}
	for _, c := range newest {
		each(c)
	}
	return nil
}

// record writes the state of c before anyone is told of it, itself included:
// what could not be written has not happened. Half a line, of a full disk, is
// written over by the next.
func (g *Gateway) record(c *Charge) error {
	if g.journal != nil {
		line, err := json.Marshal(c)
		if err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
		line = append(line, '\n')
		if _, err := g.journal.WriteAt(line, g.written); err != nil {
			_ = g.journal.Truncate(g.written) // else the next opening does it
			return fmt.Errorf("sandbox: %w", err)
		}
		g.written += int64(len(line))
	}
	g.keep(c)
	return nil
}

// keep takes a state into memory, with the key that it came with.
func (g *Gateway) keep(c *Charge) {
	if c.CreatedAt.IsZero() { // a line of before charges had a time
		c.CreatedAt = c.HoldEnds.AddDate(0, 0, -holdDays)
	}
	if _, known := g.byID[c.ID]; !known {
		g.order = append(g.order, c.ID)
	}
	g.byID[c.ID] = c
	if c.Key != "" {
		if old := g.byID[g.byKey[c.Key]]; old == nil || old.ID == c.ID || !old.live() {
			g.byKey[c.Key] = c.ID
		}
	}
	if d := c.Did; d != nil {
		g.keys[d.Key] = use{charge: c.ID, what: d.What, move: d.Move, at: d.At}
		return
	}
	for key, move := range c.Moves {
		if _, known := g.keys[key]; !known {
			g.keys[key] = use{charge: c.ID, move: move, at: c.CreatedAt}
		}
	}
	if _, known := g.keys[c.Key]; !known {
		g.keys[c.Key] = use{charge: c.ID, at: c.CreatedAt}
	}
}
