package main

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	namespaceOfScenarios = "proget" // what most of them call theirs
	nameBytesMax         = 63
	holdFinalizer        = "scenarios.proget-operator.io/hold"
	graceSeconds         = 30
)

// resource is how the API server serves a kind.
type resource struct {
	plural                string
	namespaced, hasStatus bool
}

// catalog asks the server for its kinds, once for each group.
type catalog struct {
	api    *api
	lock   sync.Mutex
	groups map[string]map[string]resource
}

func groupPath(apiVersion string) string {
	if strings.Contains(apiVersion, "/") {
		return "/apis/" + apiVersion
	}
	return "/api/" + apiVersion
}

func (c *catalog) find(apiVersion, kind string) (resource, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.groups[apiVersion] == nil {
		served, err := c.api.get(groupPath(apiVersion))
		if err != nil {
			return resource{}, fmt.Errorf("%s: %w", apiVersion, err)
		}
		kinds := map[string]resource{}
		for _, each := range list(served, "resources") {
			name, isSub, _ := strings.Cut(text(each, "name"), "/")
			found := kinds[text(each, "kind")]
			if isSub == "" {
				namespaced, _ := each["namespaced"].(bool)
				found.plural, found.namespaced = name, namespaced
			} else if isSub == "status" {
				found.hasStatus = true
			} else {
				continue // other subresources are of other kinds
			}
			kinds[text(each, "kind")] = found
		}
		c.groups[apiVersion] = kinds
	}
	found := c.groups[apiVersion][kind]
	if found.plural == "" {
		return resource{}, fmt.Errorf("the API server has no %s of %s", kind, apiVersion)
	}
	return found, nil
}

// path of an object, or of its collection where it has no name.
func (c *catalog) path(object tree, withName bool) (string, error) {
	served, err := c.find(text(object, "apiVersion"), text(object, "kind"))
	if err != nil {
		return "", err
	}
	path := groupPath(text(object, "apiVersion"))
	if served.namespaced {
		path += "/namespaces/" + text(object, "metadata", "namespace")
	}
	path += "/" + served.plural
	if withName {
		path += "/" + text(object, "metadata", "name")
	}
	return path, nil
}

// What others refer to comes first: an owner, the pod of a Lease. What does not matter comes in between.
var ranks = map[string]int{"Namespace": 1, "Node": 2, "PriorityClass": 2, "Deployment": 11, "StatefulSet": 11, "DaemonSet": 11,
	"Job": 11, "ReplicaSet": 12, "Pod": 13, "Lease": 14, "Event": 14, "ProGetCluster": 15}

func rank(object tree) int {
	if known := ranks[text(object, "kind")]; known != 0 {
		return known
	}
	return 5
}

// scenarioLabel is on what belongs to no namespace: the proxy before each operator lets through what has its label.
const scenarioLabel = "scenarios.proget-operator.io/scenario"

// rewriter turns what a scenario says into what holds in this cluster: times, namespaces, uids, and the names of Nodes and
// PriorityClasses, which all scenarios share one list of.
type rewriter struct {
	shift  time.Duration
	prefix string // of namespaces
	number string
	nodes  []string
	uids   map[string]string
}

func newRewriter(each *scenario, shift time.Duration) rewriter {
	made := rewriter{shift: shift, prefix: lower(each.name), number: each.number, uids: map[string]string{}}
	for _, object := range each.objects {
		if text(object, "kind") == "Node" {
			made.nodes = append(made.nodes, text(object, "metadata", "name"))
		}
	}
	return made
}

// shared is the name here of a Node or a PriorityClass; Kubernetes' own classes are there already.
func (r *rewriter) shared(name string) string {
	if name == "" || strings.HasPrefix(name, "system-") {
		return name
	}
	return r.number + "-" + name
}

func (r *rewriter) namespace(name string) string {
	full := r.prefix
	if name != "" && name != namespaceOfScenarios {
		full += "-" + name
	}
	if len(full) <= nameBytesMax {
		return full
	}
	sum := fnv.New32a()
	sum.Write([]byte(full))
	return fmt.Sprintf("%s-%08x", full[:nameBytesMax-9], sum.Sum32())
}

var (
	timestamps   = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	classInEvent = regexp.MustCompile(`PriorityClass with name ([a-z0-9.-]+)`)
)

func (r *rewriter) time(found string) string {
	at, err := time.Parse(time.RFC3339Nano, found)
	if err != nil {
		return found
	}
	if strings.Contains(found, ".") {
		return at.Add(r.shift).UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	return at.Add(r.shift).UTC().Format(time.RFC3339)
}

func (r *rewriter) words(value string) string {
	if real := r.uids[value]; real != "" {
		return real
	}
	for _, node := range r.nodes {
		if value == node {
			return r.shared(node)
		}
		value = strings.ReplaceAll(value, `"`+node+`"`, `"`+r.shared(node)+`"`) // in a report
	}
	value = classInEvent.ReplaceAllStringFunc(value, func(found string) string {
		return strings.Replace(found, "name ", "name "+r.number+"-", 1)
	})
	return timestamps.ReplaceAllStringFunc(value, r.time)
}

func (r *rewriter) value(key string, value any) any {
	switch typed := value.(type) {
	case string:
		switch key {
		case "namespace", "namespaces", "kubernetes.io/metadata.name":
			return r.namespace(typed)
		case "priorityClassName":
			return r.shared(typed)
		}
		return r.words(typed)
	case tree:
		for name, each := range typed {
			typed[name] = r.value(name, each)
		}
		return typed
	case []any:
		for index, each := range typed {
			typed[index] = r.value(key, each)
		}
		return typed
	}
	return value
}

// applier brings one scenario to the API server.
type applier struct {
	api      *api
	catalog  *catalog
	rewriter rewriter
	scenario *scenario
	leases   []string // paths of those that go on being renewed
	own      map[string]bool

	namespaces map[string]bool
}

// strip leaves what a user may say in metadata.
func strip(metadata tree) {
	for _, name := range []string{"uid", "creationTimestamp", "resourceVersion", "generation", "deletionTimestamp",
		"deletionGracePeriodSeconds", "managedFields", "selfLink"} {
		delete(metadata, name)
	}
}

func number(value any) int {
	found := 0
	_, _ = fmt.Sscan(fmt.Sprint(value), &found)
	return found
}

// create makes the object; where the scenario's has a generation of its own, its spec is changed until it has it, too.
func (a *applier) create(object tree) (tree, string, error) {
	collection, err := a.catalog.path(object, false)
	if err != nil {
		return nil, "", err
	}
	changes := number(member(object, "metadata")["generation"]) - 1
	isWorkload := slices.Contains([]string{"StatefulSet", "Deployment", "DaemonSet", "ReplicaSet"}, text(object, "kind"))
	isLeaving := member(object, "metadata")["deletionTimestamp"] != nil
	created := clone(object)
	strip(member(created, "metadata"))
	delete(created, "status")
	if isLeaving {
		finalizers, _ := member(created, "metadata")["finalizers"].([]any)
		member(created, "metadata")["finalizers"] = append(finalizers, holdFinalizer)
	}
	if isWorkload && changes > 0 {
		member(created, "spec")["minReadySeconds"] = changes
	}
	made, err := a.api.post(collection, created)
	if err != nil {
		return nil, "", err
	}
	path := collection + "/" + text(object, "metadata", "name")
	for ; isWorkload && changes > 0; changes-- {
		if made, err = a.api.patch(path, tree{"spec": tree{"minReadySeconds": changes - 1}}); err != nil {
			return nil, "", err
		}
	}
	return made, path, nil
}

// status writes the scenario's; what the server has worked out by itself and lets nobody change stays.
func (a *applier) status(object, made tree, path string) error {
	status := member(object, "status")
	served, err := a.catalog.find(text(object, "apiVersion"), text(object, "kind"))
	if err != nil || len(status) == 0 || !served.hasStatus {
		return err
	}
	if text(object, "kind") == "Pod" {
		status["qosClass"] = text(made, "status", "qosClass")
	}
	made["status"] = status
	_, err = a.api.put(path+"/status", made)
	return err
}

// graceOf is how long after the request the time lies that the server writes down as that of the deletion.
func graceOf(object tree) time.Duration {
	if said := number(member(object, "metadata")["deletionGracePeriodSeconds"]); said > 0 {
		return time.Duration(said) * time.Second
	}
	return graceSeconds * time.Second
}

// leave deletes the object, which stays, terminating: for its finalizer.
func (a *applier) leave(object tree, path string) error {
	if member(object, "metadata")["deletionTimestamp"] == nil {
		return nil
	}
	return a.api.remove(path, int(graceOf(object).Seconds()))
}

// staleAfter is how old a heartbeat has to be in the scenario for nobody to renew it here.
const staleAfter = 5 * time.Minute

func (a *applier) isRenewed(lease tree) bool {
	renewed, err := time.Parse(time.RFC3339Nano, text(lease, "spec", "renewTime"))
	return err == nil && a.scenario.now.Sub(renewed) < staleAfter
}

// place puts the object where it is to be: its namespace, or its name among the shared ones.
func (a *applier) place(object tree) {
	metadata := member(object, "metadata")
	served, err := a.catalog.find(text(object, "apiVersion"), text(object, "kind"))
	switch {
	case err != nil: // told when it is created
	case served.namespaced && text(metadata, "namespace") == "":
		metadata["namespace"] = namespaceOfScenarios
	case !served.namespaced:
		labels := member(metadata, "labels")
		if labels == nil {
			labels = tree{}
		}
		labels[scenarioLabel] = a.scenario.number
		metadata["labels"] = labels
		if text(object, "kind") == "PriorityClass" {
			metadata["name"] = a.rewriter.shared(text(metadata, "name"))
		}
	}
}

func (a *applier) apply() error {
	objects := make([]tree, 0, len(a.scenario.objects))
	a.namespaces = map[string]bool{a.rewriter.namespace(""): true} // the marker's
	for _, original := range a.scenario.objects {
		object := clone(original)
		a.place(object)
		if namespace := text(object, "metadata", "namespace"); namespace != "" {
			a.namespaces[a.rewriter.namespace(namespace)] = true
		}
		objects = append(objects, object)
	}
	for name := range a.namespaces {
		if _, err := a.api.post("/api/v1/namespaces", tree{"metadata": tree{"name": name}}); err != nil {
			return err
		}
	}
	slices.SortStableFunc(objects, func(one, other tree) int {
		if order := rank(one) - rank(other); order != 0 {
			return order
		}
		return strings.Compare(text(one, "metadata", "creationTimestamp"), text(other, "metadata", "creationTimestamp"))
	})
	for _, object := range objects {
		if err := a.bring(object); err != nil {
			return fmt.Errorf("%s %s: %w", text(object, "kind"), text(object, "metadata", "name"), err)
		}
	}
	return nil
}

func (a *applier) bring(object tree) error {
	isRenewed := text(object, "kind") == "Lease" && a.isRenewed(object)
	uid := text(object, "metadata", "uid")
	member(object, "metadata")["uid"] = ""
	object = a.rewriter.value("", object).(tree)
	made, path, err := a.create(object)
	if err != nil {
		return err
	}
	if uid != "" {
		a.rewriter.uids[uid] = text(made, "metadata", "uid")
	}
	if err := a.status(object, made, path); err != nil {
		return fmt.Errorf("status: %w", err)
	}
	if isRenewed {
		a.leases = append(a.leases, path)
	}
	if text(object, "kind") == "ProGetCluster" {
		a.own[text(object, "metadata", "namespace")+"/"+text(object, "metadata", "name")] = true
	}
	return a.leave(object, path)
}
