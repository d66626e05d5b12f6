package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// operator is the program as its manifests run it, but for its clock.
type operator struct {
	command   *exec.Cmd
	clockFile *os.File
	ahead     time.Duration
	logPath   string
	metrics   string // where they are served
	proxy     *http.Server
}

// setClock puts the operator's clock that far ahead of this machine's.
func (o *operator) setClock(ahead time.Duration) error {
	o.ahead = ahead
	var value [8]byte
	binary.NativeEndian.PutUint64(value[:], uint64(ahead.Microseconds()))
	_, err := o.clockFile.WriteAt(value[:], 0)
	return err
}

func (o *operator) now() time.Time { return time.Now().Add(o.ahead) }

// writeConfig writes a kubeconfig for that server and returns its path.
func writeConfig(options *options, name, server, token string) (string, error) {
	config := tree{"apiVersion": "v1", "kind": "Config", "current-context": "scenarios",
		"clusters": []tree{{"name": "scenarios", "cluster": tree{"server": server,
			"certificate-authority": filepath.Join(options.cluster, "pki", "ca.crt")}}},
		"users":    []tree{{"name": "scenarios", "user": tree{"token": token}}},
		"contexts": []tree{{"name": "scenarios", "context": tree{"cluster": "scenarios", "user": "scenarios"}}}}
	encoded, err := json.Marshal(config)
	if err != nil {
		return "", err
	}
	path := filepath.Join(options.work, name+".kubeconfig")
	return path, os.WriteFile(path, encoded, 0o600)
}

// freeAddress is one at which nobody listens, at a loopback address of this scenario's own: on 127.0.0.1 the port may be
// somebody's connection before the operator listens.
func freeAddress(scenario string) (string, error) {
	number, err := strconv.Atoi(strings.TrimPrefix(scenario, "s"))
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.77.%d.%d:0", number/250, 1+number%250))
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// startOperator starts one for the trial's namespaces, behind a proxy of its own, its clock that far ahead.
func (t *trial) startOperator(token string, ahead time.Duration) (*operator, error) {
	name := t.scenario.name
	clock := filepath.Join(t.options.work, name+".clock")
	file, err := os.Create(clock)
	if err != nil {
		return nil, err
	}
	started := &operator{clockFile: file, logPath: filepath.Join(t.options.work, name+".log")}
	if err := started.setClock(ahead); err != nil {
		return nil, err
	}
	log, err := os.Create(started.logPath)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	proxy, server, err := t.proxies.start(t.scenario.number)
	if err != nil {
		return nil, err
	}
	started.proxy = proxy
	kubeconfig, err := writeConfig(t.options, name, server, token)
	if err != nil {
		return nil, err
	}
	address, err := freeAddress(t.scenario.number)
	if err != nil {
		return nil, err
	}
	started.metrics = "http://" + address + "/metrics"
	arguments := []string{"--kubeconfig", kubeconfig, "--listen", address}
	for namespace := range t.namespaces {
		arguments = append(arguments, "--namespace", namespace)
	}
	started.command = exec.Command(t.options.operator, arguments...)
	// The library has to come before the sanitizer's, which is no harm: it allocates nothing.
	started.command.Env = append(os.Environ(), "LD_PRELOAD="+t.options.clockLibrary, "SCENARIOS_CLOCK="+clock,
		"ASAN_OPTIONS="+os.Getenv("ASAN_OPTIONS")+":verify_asan_link_order=0")
	started.command.Stderr = log
	started.command.Stdout = log
	return started, started.command.Start()
}

var pendingWrites = regexp.MustCompile(`(?m)^proget_operator_writes_pending(?:{[^}]*})? (\d+)$`)

// isQuiet: nothing waits to be written, so that no request is under way that a step of the clock could end.
func (o *operator) isQuiet() bool {
	answer, err := http.Get(o.metrics)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	found := pendingWrites.FindAllSubmatch(text, -1)
	for _, each := range found {
		if string(each[1]) != "0" {
			return false
		}
	}
	return err == nil && len(found) > 0
}

// stop ends it as Kubernetes would; an error where it does not end well.
func (o *operator) stop() error {
	defer o.clockFile.Close()
	defer o.proxy.Close()
	if err := o.command.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("the operator has ended by itself, see %s", o.logPath)
	}
	ended := make(chan error, 1)
	go func() { ended <- o.command.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("the operator ended with %w, see %s", err, o.logPath)
		}
		return nil
	case <-time.After(30 * time.Second):
		_ = o.command.Process.Kill()
		<-ended
		return fmt.Errorf("the operator did not end on SIGTERM, see %s", o.logPath)
	}
}
