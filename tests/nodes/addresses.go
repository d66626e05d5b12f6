package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// addresses hands out addresses of one block 127.B.0.0/16 that this process alone uses: pods from 127.B.0.1 on,
// nodes from 127.B.240.1 on. The block is held by listening on its last address.
type addresses struct {
	mutex    sync.Mutex
	block    int
	nextPod  int
	nextNode int
	guard    net.Listener
}

const (
	guardPort     = 20249
	podNumbersMax = 240 * 250
)

func newAddresses() (*addresses, error) {
	for _, offset := range rand.Perm(250) {
		block := 3 + offset
		guard, err := net.Listen("tcp4", fmt.Sprintf("127.%d.255.254:%d", block, guardPort))
		if err == nil {
			return &addresses{block: block, guard: guard}, nil
		}
	}
	return nil, errors.New("no free block of addresses in 127.0.0.0/8")
}

// freePort finds a port that every pod's product can listen on: one that nobody holds for all addresses.
func (a *addresses) freePort() (int, error) {
	for range 100 {
		port := 20000 + rand.IntN(10000)
		trial, err := net.Listen("tcp4", fmt.Sprintf("127.%d.255.254:%d", a.block, port))
		if err == nil {
			return port, trial.Close()
		}
	}
	return 0, errors.New("no free port between 20000 and 29999")
}

func (a *addresses) pod() string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	number := a.nextPod % podNumbersMax
	a.nextPod++
	return fmt.Sprintf("127.%d.%d.%d", a.block, number/250, 1+number%250)
}

func (a *addresses) node() string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	number := a.nextNode % (14 * 250)
	a.nextNode++
	return fmt.Sprintf("127.%d.%d.%d", a.block, 240+number/250, 1+number%250)
}
