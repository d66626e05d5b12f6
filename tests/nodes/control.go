package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// controlRequest and controlAnswer are one line of JSON each.
type controlRequest struct {
	Command   string   `json:"command"`
	Arguments []string `json:"arguments,omitempty"`
}

type controlAnswer struct {
	Result any    `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

const controlHelp = `commands:
  crash NAMESPACE/POD CONTAINER [oom]     kill a container's process; returns when it is dead
  evict NAMESPACE/POD [memory|disk|emptydir|ephemeral|preempt-critical|shutdown]
                                          end the pod as the kubelet does; returns when its last status is written
  evict NAMESPACE/POD admission           refuse the next pod of that name when it comes to a node
  node stop-renewing NODE                 dead kubelet: no Lease, no status; the containers run on
  node power-off NODE                     the same, and every container is killed
  node resume NODE                        the kubelet is back
  node remove NODE                        the machine and its Node object are gone, its containers killed
  node add NODE [CPU]                     one more node, CPU as below
  node set-cpu NODE CPU                   VENDOR/FAMILY/MODEL/STEPPING
                                          or arm/IMPLEMENTER/ARCHITECTURE/VARIANT/PART/REVISION
  node condition NODE TYPE STATUS         MemoryPressure, DiskPressure, PIDPressure or Ready; True, False or Unknown
  list                                    pods with processes: addresses, pids, logs, as JSON
`

const controlLineMax = 64 * 1024

// listenControl serves commands on the unix socket.
func listenControl(m *manager) (net.Listener, error) {
	if connection, err := net.Dial("unix", m.options.control); err == nil {
		return nil, errors.Join(fmt.Errorf("%s is another process-nodes' socket", m.options.control), connection.Close())
	}
	if err := os.Remove(m.options.control); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	listener, err := net.Listen("unix", m.options.control)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go m.serveControl(connection)
		}
	}()
	return listener, nil
}

func (m *manager) serveControl(connection net.Conn) {
	defer connection.Close()
	scanner := bufio.NewScanner(connection)
	scanner.Buffer(nil, controlLineMax)
	encoder := json.NewEncoder(connection)
	for scanner.Scan() {
		var request controlRequest
		var answer controlAnswer
		err := json.Unmarshal(scanner.Bytes(), &request)
		if err == nil {
			answer.Result, err = m.execute(request)
		}
		if err != nil {
			answer = controlAnswer{Error: err.Error()}
		}
		if encoder.Encode(answer) != nil {
			return
		}
	}
}

func (m *manager) execute(request controlRequest) (any, error) {
	arguments := append(request.Arguments, "", "", "")
	count := len(request.Arguments)
	switch {
	case request.Command == "list" && count == 0:
		return m.list(), nil
	case request.Command == "crash" && (count == 2 || count == 3):
		return "ok", m.crash(arguments[0], arguments[1], arguments[2] == "oom")
	case request.Command == "evict" && (count == 1 || count == 2):
		return "ok", m.evict(arguments[0], arguments[1])
	case request.Command == "node" && count >= 2:
		return "ok", m.executeNode(arguments[0], arguments[1], request.Arguments[2:])
	}
	return nil, fmt.Errorf("unknown command or wrong number of arguments; %s", controlHelp)
}

func (m *manager) executeNode(command, name string, rest []string) error {
	if command == "add" && len(rest) <= 1 {
		return m.addOne(name, rest)
	}
	n, err := m.node(name)
	if err != nil {
		return err
	}
	switch {
	case command == "stop-renewing" && len(rest) == 0:
		n.stop()
		return nil
	case command == "power-off" && len(rest) == 0:
		n.stop()
		m.powerOff(name)
		return nil
	case command == "resume" && len(rest) == 0:
		if err := n.resume(m.ctx); err != nil {
			return err
		}
		m.revisit(name)
		return nil
	case command == "remove" && len(rest) == 0:
		return m.removeNode(name)
	case command == "set-cpu" && len(rest) == 1:
		cpu, err := parseCPU(rest[0])
		if err != nil {
			return err
		}
		return n.setCPU(cpu)
	case command == "condition" && len(rest) == 2:
		return m.setNodeCondition(n, corev1.NodeConditionType(rest[0]), corev1.ConditionStatus(rest[1]))
	}
	return fmt.Errorf("unknown node command or wrong number of arguments; %s", controlHelp)
}

func (m *manager) addOne(name string, rest []string) error {
	config := nodeConfig{Name: name}
	if len(rest) == 1 {
		var err error
		if config.CPU, err = parseCPU(rest[0]); err != nil {
			return err
		}
	}
	config.fillDefaults()
	return m.addNode(config)
}

// powerOff kills every process of a node; what its pods' status says stays as it is.
func (m *manager) powerOff(name string) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, worker := range m.workers {
		if worker.node.config.Name != name {
			continue
		}
		worker.mutex.Lock()
		for _, running := range worker.processes {
			running.send(syscall.SIGKILL)
		}
		worker.mutex.Unlock()
	}
}

// setNodeCondition words the four conditions as the kubelet does, with the Event that goes with a change.
func (m *manager) setNodeCondition(n *node, kind corev1.NodeConditionType, status corev1.ConditionStatus) error {
	statuses := []corev1.ConditionStatus{corev1.ConditionTrue, corev1.ConditionFalse, corev1.ConditionUnknown}
	if !slices.Contains(statuses, status) {
		return fmt.Errorf("a condition is True, False or Unknown, not %q", status)
	}
	on := status == corev1.ConditionTrue
	choose := func(yes, no string) string {
		if on {
			return yes
		}
		return no
	}
	var reason, message, event string
	switch kind {
	case corev1.NodeMemoryPressure:
		reason = choose("KubeletHasInsufficientMemory", "KubeletHasSufficientMemory")
		message = choose("kubelet has insufficient memory available", "kubelet has sufficient memory available")
		event = choose("NodeHasInsufficientMemory", "NodeHasSufficientMemory")
	case corev1.NodeDiskPressure:
		reason = choose("KubeletHasDiskPressure", "KubeletHasNoDiskPressure")
		message = choose("kubelet has disk pressure", "kubelet has no disk pressure")
		event = choose("NodeHasDiskPressure", "NodeHasNoDiskPressure")
	case corev1.NodePIDPressure:
		reason = choose("KubeletHasInsufficientPID", "KubeletHasSufficientPID")
		message = choose("kubelet has insufficient PID available", "kubelet has sufficient PID available")
		event = choose("NodeHasInsufficientPID", "NodeHasSufficientPID")
	case corev1.NodeReady:
		reason = choose("KubeletReady", "KubeletNotReady")
		message = choose("kubelet is posting ready status", "container runtime is down")
		event = choose("NodeReady", "NodeNotReady")
	default:
		return fmt.Errorf("no condition %q: MemoryPressure, DiskPressure, PIDPressure or Ready", kind)
	}
	n.setCondition(kind, status, reason, message)
	n.recorder.Eventf(n.reference(), corev1.EventTypeNormal, event, "Node %s status is now: %s", n.config.Name, event)
	return n.publish(m.ctx)
}

// crash kills a container's process and waits for its end.
func (m *manager) crash(pod, name string, oom bool) error {
	worker := m.worker(pod)
	if worker == nil {
		return fmt.Errorf("no pod %q with processes", pod)
	}
	worker.mutex.Lock()
	running := worker.processes[name]
	worker.mutex.Unlock()
	if running == nil {
		return fmt.Errorf("container %q of %s has no running process", name, pod)
	}
	if oom {
		marked := make(chan struct{})
		posted := worker.mail.post(func() {
			for _, c := range worker.view.containers {
				c.oom = c.oom || c.process == running
			}
			close(marked)
		})
		if !posted {
			return fmt.Errorf("pod %s is gone", pod)
		}
		select {
		case <-marked:
		case <-worker.ctx.Done():
		case <-time.After(10 * time.Second):
			return errors.New("the node's kubelet is dead: it cannot tell an OOM kill")
		}
	}
	running.send(syscall.SIGKILL)
	if !running.endsWithin(10 * time.Second) {
		return fmt.Errorf("process %d does not die", running.pid)
	}
	return nil
}

// evict waits until the eviction is in the status.
func (m *manager) evict(pod, kind string) error {
	if kind == "" {
		kind = "memory"
	}
	if kind == "admission" {
		m.mutex.Lock()
		defer m.mutex.Unlock()
		m.refusals[pod] = true
		return nil
	}
	worker := m.worker(pod)
	if worker == nil {
		return m.foreign.evict(pod, kind)
	}
	if !worker.node.isAlive() {
		return errors.New("the node's kubelet is dead: it evicts nothing")
	}
	result := make(chan error, 1)
	if !worker.mail.post(func() { worker.evict(kind, func(err error) { result <- err }) }) {
		return fmt.Errorf("pod %s is gone", pod)
	}
	select {
	case err := <-result:
		return err
	case <-worker.ctx.Done():
		return fmt.Errorf("pod %s is gone", pod)
	}
}

func (m *manager) list() []podSnapshot {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	result := []podSnapshot{}
	for _, worker := range m.workers {
		worker.mutex.Lock()
		result = append(result, worker.snapshot)
		worker.mutex.Unlock()
	}
	slices.SortFunc(result, func(a, b podSnapshot) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	return result
}

// runControlClient is `process-nodes ctl`: one command, its answer on stdout.
func runControlClient(arguments []string) int {
	socket := os.Getenv("PROCESS_NODES_CONTROL")
	if len(arguments) >= 2 && arguments[0] == "--control" {
		socket, arguments = arguments[1], arguments[2:]
	}
	if len(arguments) == 0 || arguments[0] == "help" || arguments[0] == "--help" {
		fmt.Print("usage: process-nodes ctl [--control SOCKET] COMMAND [ARGUMENT]... ($PROCESS_NODES_CONTROL for SOCKET)\n", controlHelp)
		return 0
	}
	answer, err := callControl(socket, controlRequest{Command: arguments[0], Arguments: arguments[1:]})
	if err != nil {
		fmt.Fprintln(os.Stderr, "process-nodes ctl:", err)
		return 1
	}
	if text, ok := answer.(string); ok {
		fmt.Println(text)
		return 0
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(answer); err != nil {
		return 1
	}
	return 0
}

func callControl(socket string, request controlRequest) (any, error) {
	connection, err := net.Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	if err := json.NewEncoder(connection).Encode(request); err != nil {
		return nil, err
	}
	var answer controlAnswer
	if err := json.NewDecoder(connection).Decode(&answer); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("process-nodes ended before it answered")
		}
		return nil, err
	}
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	return answer.Result, nil
}
