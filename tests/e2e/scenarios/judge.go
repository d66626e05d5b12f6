package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	clustersPath = "/apis/proget-operator.io/v1alpha1"
	// Objects are that old when they are judged: any hold that goes by their own times is over.
	age = 40 * time.Minute
	// What the operator has to see for a while it sees for twelve minutes, in steps that no heartbeat outlives.
	step  = 4 * time.Minute
	steps = 3

	trialsAtATime = 8
	// The marker is a cluster of nothing. It is changed last: what comes back in its status was written after all was seen.
	marker = "marker"
)

// judge applies scenarios and listens to what operators say of them.
type judge struct {
	options  *options
	api      *api
	catalog  *catalog
	accounts *accounts
	proxies  *proxies
}

// trial is one scenario, with an operator of its own.
type trial struct {
	*judge
	*applier
	operator *operator
	turns    int
}

func newJudge(options *options, api *api, catalog *catalog) (*judge, error) {
	accounts, err := newAccounts(api)
	if err != nil {
		return nil, err
	}
	proxies, err := newProxies(api, options.cluster)
	return &judge{options: options, api: api, catalog: catalog, accounts: accounts, proxies: proxies}, err
}

func (t *trial) markerPath() string {
	return clustersPath + "/namespaces/" + t.rewriter.namespace("") + "/progetclusters/" + marker
}

// inStep changes the marker and returns when the operator has published that, and has nothing more to write.
func (t *trial) inStep() error {
	t.turns++
	cluster, err := t.judge.api.patch(t.markerPath(), tree{"spec": tree{"licence": tree{"maxServers": 1 + t.turns%2}}})
	if err != nil {
		return err
	}
	generation := number(member(cluster, "metadata")["generation"])
	isSeen := func() bool {
		now, err := t.judge.api.get(t.markerPath())
		return err == nil && number(member(now, "status")["observedGeneration"]) == generation
	}
	if !await(30*time.Second, isSeen) {
		return fmt.Errorf("the operator does not get in step, see %s", t.operator.logPath)
	}
	if !await(30*time.Second, t.operator.isQuiet) {
		return fmt.Errorf("the operator does not end writing, see %s", t.operator.logPath)
	}
	return nil
}

// renew lets the heartbeats go on.
func (t *trial) renew() error {
	renewal := tree{"spec": tree{"renewTime": t.operator.now().UTC().Format("2006-01-02T15:04:05.000000Z")}}
	for _, path := range t.leases {
		if _, err := t.judge.api.patch(path, renewal); err != nil {
			return err
		}
	}
	return nil
}

// watchOver has the operator see the scenario until everything that has to last has lasted.
func (t *trial) watchOver(ahead time.Duration) error {
	if err := t.inStep(); err != nil {
		return err
	}
	for t.operator.ahead < ahead {
		if err := t.operator.setClock(t.operator.ahead + step); err != nil {
			return err
		}
		if err := t.renew(); err != nil {
			return err
		}
		if err := t.inStep(); err != nil {
			return err
		}
	}
	return nil
}

func (t *trial) differences() ([]string, error) {
	var clusters []tree
	for namespace := range t.namespaces {
		answer, err := t.judge.api.get(clustersPath + "/namespaces/" + namespace + "/progetclusters")
		if err != nil {
			return nil, err
		}
		clusters = append(clusters, list(answer, "items")...)
	}
	clusters = slices.DeleteFunc(clusters, func(each tree) bool { return text(each, "metadata", "name") == marker })
	names := newNamer(t.scenario.number, clusters, t.own)
	return differences(wantedLive(t.scenario, clusters, names), foundLines(clusters, names)), nil
}

// listen waits for what is expected, and looks again once the operator has looked again: what is not expected may come later.
func (t *trial) listen() ([]string, error) {
	var said []string
	var err error
	await(5*time.Second, func() bool {
		said, err = t.differences()
		return err != nil || len(said) == 0
	})
	if err == nil {
		err = t.inStep()
	}
	if err != nil {
		return nil, err
	}
	return t.differences()
}

// try returns what is wrong with the operator's word on the scenario.
func (j *judge) try(each *scenario) []string {
	ahead, start := age, age-steps*step
	if young := youngest(each); young > 0 {
		ahead, start = young, young
	}
	t := &trial{judge: j, applier: &applier{api: j.api, catalog: j.catalog, scenario: each, own: map[string]bool{},
		rewriter: newRewriter(each, time.Now().Add(ahead).Sub(each.now))}}
	if err := t.apply(); err != nil {
		return []string{"cannot be applied: " + err.Error()}
	}
	if err := t.begin(start); err != nil {
		return []string{err.Error()}
	}
	err := t.watchOver(ahead)
	var said []string
	if err == nil {
		said, err = t.listen()
	}
	for _, problem := range []error{err, t.operator.stop(), complaint(t.operator.logPath)} {
		if problem != nil {
			said = append(said, problem.Error())
		}
	}
	return said
}

// all tries each, several at a time, and tells in the order of the names.
func (j *judge) all(scenarios []*scenario) bool {
	said := map[*scenario][]string{}
	var lock sync.Mutex
	inParallel(trialsAtATime, scenarios, func(each *scenario) {
		lines := j.try(each)
		lock.Lock()
		defer lock.Unlock()
		said[each] = lines
	})
	isGood := true
	for _, each := range scenarios {
		if len(said[each]) == 0 {
			fmt.Printf("ok %s\n", each.name)
			continue
		}
		fmt.Printf("FAIL %s: %s\n", each.name, strings.Join(said[each], "; "))
		isGood = false
	}
	return isGood
}

// begin makes the marker and starts the operator.
func (t *trial) begin(ahead time.Duration) error {
	_, err := t.judge.api.post(clustersPath+"/namespaces/"+t.rewriter.namespace("")+"/progetclusters", tree{
		"apiVersion": "proget-operator.io/v1alpha1", "kind": "ProGetCluster", "metadata": tree{"name": marker},
		"spec": tree{"selector": tree{"matchLabels": tree{"scenarios.proget-operator.io/marker": "nothing"}}}})
	if err != nil {
		return err
	}
	token, err := t.accounts.token(unreadOf(t.scenario))
	if err != nil {
		return err
	}
	t.operator, err = t.startOperator(token, ahead)
	return err
}

var complaints = regexp.MustCompile(`ERROR: AddressSanitizer|ERROR: LeakSanitizer|runtime error:|Assertion .* failed`)

func complaint(logPath string) error {
	log, err := os.ReadFile(logPath)
	if err == nil && complaints.Match(log) {
		err = errors.New(string(complaints.Find(log)) + ", see " + logPath)
	}
	return err
}
