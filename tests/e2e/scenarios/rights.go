package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	operatorName = "proget-operator" // of its ServiceAccount, wherever that is: the admission policies go by it
	rbacPath     = "/apis/rbac.authorization.k8s.io/v1"
)

// Kinds of which "not in the input" means "not observed" in a way that findings depend on: the operator that judges a
// scenario without any of them may not read them.
var withheld = []struct{ kind, group, plural string }{
	{"Node", "", "nodes"},
	{"Lease", "coordination.k8s.io", "leases"},
	{"PriorityClass", "scheduling.k8s.io", "priorityclasses"},
	{"PersistentVolumeClaim", "", "persistentvolumeclaims"},
}

func unreadOf(each *scenario) []string {
	var plurals []string
	for _, kind := range withheld {
		if !hasKind(each.objects, kind.kind) {
			plurals = append(plurals, kind.plural)
		}
	}
	return plurals
}

// accounts are ServiceAccounts with the operator's rights, but for what some scenarios withhold, each in a namespace.
type accounts struct {
	api    *api
	role   tree
	lock   sync.Mutex
	tokens map[string]string
}

func newAccounts(api *api) (*accounts, error) {
	role, err := api.get(rbacPath + "/clusterroles/proget-operator")
	return &accounts{api: api, role: role, tokens: map[string]string{}}, err
}

// limited are the operator's rules without the right to read those kinds.
func (a *accounts) limited(unread []string) []any {
	var rules []any
	for _, rule := range list(clone(a.role), "rules") {
		verbs, _ := rule["verbs"].([]any)
		groups, _ := rule["apiGroups"].([]any)
		if resources, ok := rule["resources"].([]any); ok && slices.Contains(verbs, "list") && !slices.Contains(groups, "metrics.k8s.io") {
			resources = slices.DeleteFunc(resources, func(name any) bool { return slices.Contains(unread, fmt.Sprint(name)) })
			if len(resources) == 0 {
				continue
			}
			rule["resources"] = resources
		}
		rules = append(rules, rule)
	}
	return rules
}

// token for an operator that may not read those kinds. The rights are in force when it returns.
func (a *accounts) token(unread []string) (string, error) {
	a.lock.Lock()
	defer a.lock.Unlock()
	name := strings.Join(append([]string{"without"}, unread...), "-")
	if token := a.tokens[name]; token != "" {
		return token, nil
	}
	metadata := tree{"name": name}
	if _, err := a.api.post("/api/v1/namespaces", tree{"metadata": metadata}); err != nil {
		return "", err
	}
	accountsPath := "/api/v1/namespaces/" + name + "/serviceaccounts"
	if _, err := a.api.post(accountsPath, tree{"metadata": tree{"name": operatorName}}); err != nil {
		return "", err
	}
	if _, err := a.api.post(rbacPath+"/clusterroles", tree{"metadata": metadata, "rules": a.limited(unread)}); err != nil {
		return "", err
	}
	binding := tree{"metadata": metadata, "roleRef": tree{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
		"subjects": []tree{{"kind": "ServiceAccount", "namespace": name, "name": operatorName}}}
	if _, err := a.api.post(rbacPath+"/clusterrolebindings", binding); err != nil {
		return "", err
	}
	if !await(20*time.Second, func() bool { return a.isInForce(name, unread) }) {
		return "", fmt.Errorf("the rights of %s do not come into force", name)
	}
	answer, err := a.api.post(accountsPath+"/"+operatorName+"/token", tree{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
		"spec": tree{"expirationSeconds": 7200}})
	if err == nil {
		a.tokens[name] = text(answer, "status", "token")
	}
	return a.tokens[name], err
}

func (a *accounts) isInForce(name string, unread []string) bool {
	kinds := append(slices.Clone(withheld), struct{ kind, group, plural string }{"Pod", "", "pods"})
	for _, kind := range kinds {
		review, err := a.api.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", tree{"kind": "SubjectAccessReview",
			"apiVersion": "authorization.k8s.io/v1", "spec": tree{
				"user":               "system:serviceaccount:" + name + ":" + operatorName,
				"resourceAttributes": tree{"verb": "list", "group": kind.group, "resource": kind.plural}}})
		if err != nil || member(review, "status")["allowed"] == slices.Contains(unread, kind.plural) {
			return false
		}
	}
	return true
}
