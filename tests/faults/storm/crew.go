package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// crew is the two operators.
type crew struct {
	options  *options
	api      *api
	random   *rand.Rand
	members  []*member
	problems []string
	log      *os.File
	killed   int
	ended    int
	stopped  int
	rotated  int
}

type member struct {
	name     string
	number   int // of its processes
	pod      int // a container that starts again in its pod keeps the pod's uid
	process  *process
	resumeAt time.Time // it is stopped until then
}

func newCrew(o *options, a *api) *crew {
	log, err := os.Create(filepath.Join(o.work, "crew.log"))
	if err != nil {
		log = os.Stderr
	}
	return &crew{options: o, api: a, random: o.random(streamCrew), members: []*member{{name: "a"}, {name: "b"}}, log: log}
}

func (c *crew) note(format string, arguments ...any) {
	fmt.Fprintf(c.log, "%s %s\n", time.Now().UTC().Format("15:04:05.000"), fmt.Sprintf(format, arguments...))
}

func (c *crew) tokenFile() string  { return filepath.Join(c.options.work, "operators.token") }
func (c *crew) kubeconfig() string { return filepath.Join(c.options.work, "operators.kubeconfig") }

// writeToken puts a new one of the operator's ServiceAccount into a file, as the kubelet does.
func writeToken(ctx context.Context, a *api, path string) error {
	seconds := int64(3600)
	var token string
	err := persist(ctx, "a token for the operators", func() error {
		answer, err := a.client.CoreV1().ServiceAccounts(operatorNamespace).CreateToken(ctx, operatorAccount,
			&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
		if err == nil {
			token = answer.Status.Token
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", []byte(token), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func writeKubeconfig(path, server, authority, token string) error {
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: storm
  cluster: {server: "%s", certificate-authority: "%s"}
users:
- name: storm
  user: {tokenFile: "%s"}
contexts:
- name: storm
  context: {cluster: storm, user: storm, namespace: %s}
current-context: storm
`, server, authority, token, operatorNamespace)
	return os.WriteFile(path, []byte(text), 0o600)
}

func (c *crew) start(ctx context.Context) error {
	if err := writeToken(ctx, c.api, c.tokenFile()); err != nil {
		return err
	}
	o := c.options
	if err := writeKubeconfig(c.kubeconfig(), o.proxyServer, filepath.Join(o.proxy, "ca.crt"), c.tokenFile()); err != nil {
		return err
	}
	for _, m := range c.members {
		if err := c.launch(m); err != nil {
			return err
		}
	}
	return nil
}

func (c *crew) launch(m *member) error {
	m.number++
	if m.number == 1 || c.random.IntN(2) == 0 {
		m.pod++
	}
	environment := []string{"POD_NAME=storm-" + m.name, fmt.Sprintf("POD_UID=storm-%s-%d", m.name, m.pod)}
	var err error
	m.process, err = startProcess(c.options, filepath.Join(c.options.work, fmt.Sprintf("operator-%s.%d.log", m.name, m.number)), environment,
		"--kubeconfig="+c.kubeconfig(), "--leader-elect=true")
	if err == nil {
		c.note("%s: pid %d, number %d in pod %d", m.name, m.process.pid(), m.number, m.pod)
	}
	return err
}

// disturb goes on until ctx ends.
func (c *crew) disturb(ctx context.Context) {
	for sleep(ctx, time.Duration(2500+c.random.IntN(6500))*time.Millisecond) {
		c.resume(false)
		m := pick(c.random, c.members)
		deed := c.random.IntN(10)
		span := time.Duration(1000+c.random.IntN(19000)) * time.Millisecond
		pause := time.Duration(c.random.IntN(1500)) * time.Millisecond
		if !m.resumeAt.IsZero() && deed >= 3 {
			continue // stopped: it hears nothing but a kill
		}
		switch {
		case deed < 3:
			c.killed++
			c.note("%s: SIGKILL", m.name)
			m.process.signal(syscall.SIGKILL)
			m.process.wait()
		case deed < 6:
			c.ended++
			c.note("%s: SIGTERM", m.name)
			c.report(m, m.process.stop())
		case deed < 8:
			c.stopped++
			c.note("%s: SIGSTOP for %v", m.name, span)
			m.process.signal(syscall.SIGSTOP)
			m.resumeAt = time.Now().Add(span)
			continue
		default:
			c.rotated++
			c.note("the token is rotated")
			if err := writeToken(ctx, c.api, c.tokenFile()); err != nil && ctx.Err() == nil {
				c.problems = append(c.problems, err.Error())
			}
			continue
		}
		m.resumeAt = time.Time{}
		sleep(ctx, pause)
		c.ensure(m)
	}
}

func (c *crew) report(m *member, problems []string) {
	for _, problem := range problems {
		c.problems = append(c.problems, fmt.Sprintf("operator %s, number %d: %s", m.name, m.number, problem))
	}
}

func (c *crew) ensure(m *member) {
	if err := c.launch(m); err != nil {
		c.problems = append(c.problems, err.Error())
	}
}

func (c *crew) resume(all bool) {
	for _, m := range c.members {
		if !m.resumeAt.IsZero() && (all || time.Now().After(m.resumeAt)) {
			c.note("%s: SIGCONT", m.name)
			m.process.signal(syscall.SIGCONT)
			m.resumeAt = time.Time{}
		}
	}
}

// muster has both at work again.
func (c *crew) muster(context.Context) error {
	c.resume(true)
	for _, m := range c.members {
		if m.process.hasEnded() {
			c.report(m, []string{"it ended by itself: " + m.process.ended()})
			c.ensure(m)
		}
	}
	return nil
}

// end stops both, and returns everything that was wrong with any of them.
func (c *crew) end() []string {
	c.resume(true)
	for _, m := range c.members {
		if m.process != nil {
			c.report(m, m.process.stop())
		}
	}
	logs, _ := filepath.Glob(filepath.Join(c.options.work, "*.log"))
	for _, log := range logs {
		c.problems = append(c.problems, complaints(log)...)
	}
	return c.problems
}
