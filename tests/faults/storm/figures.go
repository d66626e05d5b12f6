package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

type figures struct {
	books   bookFigures
	longest time.Duration
}

func (f *figures) converged(took time.Duration) { f.longest = max(f.longest, took) }

// print is the table at the end.
func (f *figures) print(s *storm, took time.Duration) {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer table.Flush()
	row := func(what string, figure any) { fmt.Fprintf(table, "%s\t%v\n", what, figure) }
	row("seed", s.options.seed)
	row("took", took.Round(time.Second))
	if s.weather != nil {
		var counts struct {
			Faults map[string]int `json:"faults"`
		}
		if err := s.weather.proxy.get(context.Background(), "/counts", &counts); err == nil {
			rowsOf(row, "fault", counts.Faults)
		}
		row("API server killed", s.weather.restarts)
	}
	if s.world != nil {
		rowsOf(row, "change", s.world.counts)
	}
	if s.crew != nil {
		row("operators killed", s.crew.killed)
		row("operators ended", s.crew.ended)
		row("operators stopped for a while", s.crew.stopped)
		row("tokens rotated", s.crew.rotated)
	}
	if s.history != nil {
		row("statuses written", s.history.statuses)
		row("findings that stood", len(s.history.spells))
	}
	row("announced", f.books.announced)
	row("resolved", f.books.resolved)
	row("ended silently, as they may", f.books.silent)
	row("lost", f.books.lost)
	row("doubled", f.books.doubled)
	row("untrue", f.books.untrue)
	row("most Events of one object", f.books.mostOfOneObject)
	row("longest time to converge", f.longest.Round(100*time.Millisecond))
}

func rowsOf(row func(string, any), kind string, counts map[string]int) {
	total := 0
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		row(kind+": "+name, counts[name])
		total += counts[name]
	}
	row(kind+"s in all", total)
}
