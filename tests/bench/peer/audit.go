package main

import (
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// audit reads the list and names the groups that share a node.
func audit(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var list corev1.PodList
	if err := yaml.Unmarshal(text, &list); err != nil {
		return err
	}
	places := map[string]int{}
	for i := range list.Items {
		if key := place(&list.Items[i]); key != "" {
			places[key]++
		}
	}
	for key, count := range places {
		if count > 1 {
			fmt.Println(key, count)
		}
	}
	return nil
}
