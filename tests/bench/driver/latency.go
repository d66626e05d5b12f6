package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// node is where the bench's own pods go: one that nothing else needs.
const node = "node-f"

// delay is one occurrence: from sending the create request that makes it true, and from having its answer, to the
// moment at which the Event reaches our watch.
type delay struct {
	fromRequest, fromAnswer time.Duration
}

func (s *subject) pod(name string) *corev1.Pod {
	none, grace := false, int64(0)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{s.label: group}},
		Spec: corev1.PodSpec{
			NodeName:                      node,
			AutomountServiceAccountToken:  &none,
			TerminationGracePeriodSeconds: &grace,
			Tolerations:                   []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			Containers:                    []corev1.Container{{Name: "server", Image: "registry.invalid/bench/server:1"}},
		},
	}
}

// occur makes CoScheduled true once and waits until all about it is over. Both pods are new, so that no rate limit per
// object comes into it.
func (s *subject) occur(number int) (delay, error) {
	var result delay
	pods := s.bench.client.CoreV1().Pods(s.namespace)
	first, second := fmt.Sprintf("first-%d", number), fmt.Sprintf("second-%d", number)
	if _, err := pods.Create(s.bench.ctx, s.pod(first), metav1.CreateOptions{}); err != nil {
		return result, err
	}
	err := s.bench.within(first+" to be known", func(ctx context.Context) error {
		return s.until(ctx, func() bool { return s.isRunning(first) && s.isAtRest(first) })
	})
	if err != nil {
		return result, err
	}
	requested := time.Now()
	if _, err := pods.Create(s.bench.ctx, s.pod(second), metav1.CreateOptions{}); err != nil {
		return result, err
	}
	answered := time.Now()
	err = s.bench.within("the Event about "+second, func(ctx context.Context) error {
		return s.until(ctx, func() bool { return !s.events[second].IsZero() })
	})
	if err != nil {
		return result, err
	}
	s.mutex.Lock()
	seen := s.events[second]
	s.mutex.Unlock()
	result = delay{fromRequest: seen.Sub(requested), fromAnswer: seen.Sub(answered)}
	return result, s.end(first, second)
}

// end deletes both pods and waits until nothing more is to be written about them.
func (s *subject) end(first, second string) error {
	err := s.bench.within("all about "+second+" to be said", func(ctx context.Context) error {
		return s.until(ctx, func() bool {
			return !s.events[first].IsZero() && s.isRunning(second)
		})
	})
	if err != nil {
		return err
	}
	grace := int64(0)
	for _, name := range []string{first, second} {
		err := s.bench.client.CoreV1().Pods(s.namespace).Delete(s.bench.ctx, name, metav1.DeleteOptions{GracePeriodSeconds: &grace})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return s.bench.within(second+" to be forgotten", func(ctx context.Context) error {
		return s.until(ctx, func() bool { return s.pods[first] == nil && s.pods[second] == nil && s.isAtRest() })
	})
}

var occurrenceNumber int

// takeLatency lets both have their occurrences in turn.
func (b *bench) takeLatency(cluster string) error {
	var ours, peer []delay
	for range b.options.occurrences {
		occurrenceNumber++
		one, err := b.ours.occur(occurrenceNumber)
		if err != nil {
			return fmt.Errorf("ours: %w", err)
		}
		ours = append(ours, one)
		if one, err = b.peer.occur(occurrenceNumber); err != nil {
			return fmt.Errorf("the peer: %w", err)
		}
		peer = append(peer, one)
	}
	b.report.Latency = append(b.report.Latency, newLatency(cluster, ours, peer))
	return nil
}

// catchUp returns when both have taken in every change of a pod made so far: watches keep the order.
func (b *bench) catchUp() error {
	occurrenceNumber++
	for _, s := range []*subject{b.ours, b.peer} {
		if _, err := s.occur(occurrenceNumber); err != nil {
			return err
		}
	}
	return nil
}
