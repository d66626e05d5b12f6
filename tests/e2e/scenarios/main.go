// Scenarios applies the cases of tests/scenarios to a real API server and compares what the running operator says of them
// with what is expected.
//
//	scenarios --server URL --cluster DIR --scenarios DIR --excluded FILE --operator FILE --plugin FILE
//	          --clock-library FILE --work DIR [PATTERN...]
//
// It prints "ok NAME" or "FAIL NAME: ..." for each, "left out REASON: N" for each reason, and ends with 1 if one failed.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

type options struct {
	server, cluster, scenarios, excluded, operator, plugin, clockLibrary, work string
	patterns                                                                   []string
}

// selection is what is applied, and why the others are not.
type selection struct {
	live     []*scenario
	excluded []*row
	left     map[string]int // reason to number
}

// choose goes through the table: whatever is not in it is live.
func choose(all []*scenario, excluded []*row, patterns []string) selection {
	chosen := selection{excluded: excluded, left: map[string]int{}}
	for _, each := range all {
		isAsked := len(patterns) == 0 || slices.ContainsFunc(patterns, func(pattern string) bool {
			fits, _ := filepath.Match(pattern, each.name)
			return fits
		})
		found := rowOf(excluded, each.name)
		switch {
		case !isAsked:
		case found != nil && len(patterns) == 0:
			chosen.left[found.why]++
		default: // who asks for one by its name gets it
			chosen.live = append(chosen.live, each)
		}
	}
	return chosen
}

// problemsOfTables: rows that fit nothing, and codes of which no scenario is left that raises them, though there are some
// and no row "code:CODE" says why.
func problemsOfTables(all []*scenario, chosen selection) []string {
	raised := map[string]bool{}
	for _, each := range all {
		isLive := slices.Contains(chosen.live, each)
		for _, finding := range list(each.expected, "findings") {
			code := text(finding, "code")
			raised[code] = raised[code] || isLive
		}
	}
	var said []string
	for code, isLive := range raised {
		found := rowOf(chosen.excluded, "code:"+code)
		if found == nil && !isLive {
			said = append(said, code+": every scenario that raises it is left out")
		} else if found != nil && isLive {
			said = append(said, code+": is live, and the table says that it cannot be")
		}
	}
	for _, each := range chosen.excluded {
		if each.used == 0 {
			said = append(said, each.pattern+": no scenario has such a name (any more)")
		}
	}
	slices.Sort(said)
	return said
}

func run(options *options) (bool, error) {
	all, err := readScenarios(options.scenarios)
	if err != nil {
		return false, err
	}
	excluded, err := readTable(options.excluded)
	if err != nil {
		return false, err
	}
	severities, err := readSeverities(options.plugin)
	if err != nil {
		return false, err
	}
	api, err := apiOpen(options.server, options.cluster)
	if err != nil {
		return false, err
	}
	catalog := &catalog{api: api, groups: map[string]map[string]resource{}}
	chosen := choose(all, excluded, options.patterns)
	for _, each := range chosen.live {
		if each.wanted, err = wantedLines(each, severities); err != nil {
			return false, err
		}
	}
	judge, err := newJudge(options, api, catalog)
	if err != nil {
		return false, err
	}
	isGood := judge.all(chosen.live)
	if len(options.patterns) == 0 {
		for _, problem := range problemsOfTables(all, chosen) {
			fmt.Printf("FAIL tables: %s\n", problem)
			isGood = false
		}
	}
	reasons := make([]string, 0, len(chosen.left))
	for reason, count := range chosen.left {
		reasons = append(reasons, fmt.Sprintf("left out %d: %s", count, reason))
	}
	slices.Sort(reasons)
	fmt.Println(strings.Join(append(reasons, fmt.Sprintf("live %d of %d", len(chosen.live), len(all))), "\n"))
	return isGood, nil
}

func main() {
	options := &options{}
	for name, target := range map[string]*string{"server": &options.server, "cluster": &options.cluster,
		"scenarios": &options.scenarios, "excluded": &options.excluded, "operator": &options.operator,
		"plugin": &options.plugin, "clock-library": &options.clockLibrary, "work": &options.work} {
		flag.StringVar(target, name, "", "see above")
	}
	flag.Parse()
	options.patterns = flag.Args()
	isGood, err := run(options)
	if err != nil {
		fmt.Fprintln(os.Stderr, "scenarios:", err)
		os.Exit(2)
	}
	if !isGood {
		os.Exit(1)
	}
}
