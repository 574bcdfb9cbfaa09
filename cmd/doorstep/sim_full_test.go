package main

import (
	"sync/atomic"
	"testing"

	"doorstep/internal/killpoint/toll"
)

// simDisk is a database's disk that may be full: from the n-th write on, or just
// for that one, PostgreSQL says what it says when a file cannot grow or memory
// cannot be had. It says so by a trigger of every table; what a server does that
// cannot even write its log is another matter: it stops at once.
type simDisk struct {
	armed bool
	full  int // how often it was
}

// fullDisk gives each table the trigger.
const fullDisk = `
	create sequence writes;
	create table full_at (n bigint, stays boolean, state text);
	insert into full_at values (null, false, '');
	create function disk_full() returns trigger language plpgsql as $$
		declare f full_at; w bigint;
		begin
			select * into f from full_at;
			w := nextval('writes');
			if w = f.n or f.stays and w > f.n then
				raise exception 'no space left on device' using errcode = f.state;
			end if;
			return null;
		end $$;
	do $$ declare t text; begin
		for t in select tablename from pg_tables where schemaname = 'public' and tablename not in ('full_at', 'goose_db_version') loop
			execute format('create trigger disk_full before insert or update or delete on %I for each statement execute function disk_full()', t);
		end loop;
	end $$`

// fill makes the disk of a world one that may be full.
func (s *sim) fill() {
	s.disk = &simDisk{}
	s.exec(fullDisk)
}

// filled lets something be done while the disk is full from one of its writes on.
func (s *sim) filled(do func(*sim)) func(*sim) {
	return func(s *sim) {
		s.exec(`update full_at set n = (select last_value from writes) + $1, stays = $2, state = $3`,
			1+s.rnd.IntN(8), s.chance(0.5), one(s, "53100", "53100", "53200"))
		s.disk.armed = true
		do(s)
		s.disk.armed = false
		if s.number(`with now as (select n <= (select last_value from writes) as fell from full_at), off as (update full_at set n = null)
			select case when fell then 1 else 0 end from now`) == 1 {
			s.disk.full++
			s.note("no room")
		}
	}
}

// TestSimulationOnAFullDisk plays worlds in which the database has no room for
// what is written, now and then. Whoever asked is told to come back; nothing is
// half done.
func TestSimulationOnAFullDisk(t *testing.T) {
	t.Parallel()
	seeds, steps := 2, 60
	switch {
	case thorough():
		seeds, steps = 60, 100
	case testing.Short():
		t.Skip("skipped: it plays worlds")
	}
	count := toll.Begin(t, "writes without room on the disk")
	var full atomic.Int64
	t.Cleanup(func() { // one world may be lucky, all of them may not
		if full.Load() < int64(seeds) {
			t.Errorf("in %d worlds there was no room %d times", seeds, full.Load())
		}
	})
	for seed := range uint64(seeds) {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			s := newSim(t, 500+seed, toll.Begin(t, "simulated steps on a full disk"))
			s.fill()
			s.run(steps)
			full.Add(int64(s.disk.full))
			for range s.disk.full {
				count.Fault()
			}
		})
	}
}
