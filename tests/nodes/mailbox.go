package main

import "sync"

// mailbox is an unbounded queue of things to do, in order, for one reader.
type mailbox struct {
	mutex  sync.Mutex
	items  []func()
	signal chan struct{}
	closed bool
}

func newMailbox() *mailbox { return &mailbox{signal: make(chan struct{}, 1)} }

// post appends; false once the mailbox is closed.
func (m *mailbox) post(item func()) bool {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.closed {
		return false
	}
	m.items = append(m.items, item)
	select {
	case m.signal <- struct{}{}:
	default:
	}
	return true
}

// take returns everything that is waiting, nil when there is nothing.
func (m *mailbox) take() []func() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	items := m.items
	m.items = nil
	return items
}

func (m *mailbox) close() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.closed = true
	m.items = nil
}
