package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"
)

const nodesMax = 5000

// cpuConfig is what a container of the node reads in /proc/cpuinfo. Implementer set: an ARM processor.
type cpuConfig struct {
	Vendor   string `json:"vendor,omitempty"`
	Family   int    `json:"family,omitempty"`
	Model    int    `json:"model,omitempty"`
	Stepping int    `json:"stepping,omitempty"`

	Implementer  string `json:"implementer,omitempty"`
	Architecture int    `json:"architecture,omitempty"`
	Variant      string `json:"variant,omitempty"`
	Part         string `json:"part,omitempty"`
	Revision     int    `json:"revision,omitempty"`
}

// nodeConfig is one entry of the nodes file. With Count, Name is the stem: NAME-0 and on.
type nodeConfig struct {
	Name         string              `json:"name"`
	Count        int                 `json:"count,omitempty"`
	Labels       map[string]string   `json:"labels,omitempty"`
	Taints       []corev1.Taint      `json:"taints,omitempty"`
	Capacity     corev1.ResourceList `json:"capacity,omitempty"`
	OSImage      string              `json:"osImage,omitempty"`
	CPU          *cpuConfig          `json:"cpu,omitempty"`
	WithoutLabel bool                `json:"withoutHostnameLabel,omitempty"`
}

func readNodeConfigs(path string) ([]nodeConfig, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Nodes []nodeConfig `json:"nodes"`
	}
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return expandNodeConfigs(file.Nodes)
}

// expandNodeConfigs resolves counts, fills in the defaults and refuses doubles.
func expandNodeConfigs(configs []nodeConfig) ([]nodeConfig, error) {
	var result []nodeConfig
	seen := map[string]bool{}
	for _, config := range configs {
		names := []string{config.Name}
		if config.Count > 0 {
			names = nil
			for i := 0; i < min(config.Count, nodesMax+1); i++ {
				names = append(names, config.Name+"-"+strconv.Itoa(i))
			}
		}
		for _, name := range names {
			if config.Name == "" || seen[name] {
				return nil, fmt.Errorf("nodes: the name %q is empty or used twice", name)
			}
			seen[name] = true
			single := config
			single.Name, single.Count = name, 0
			single.fillDefaults()
			result = append(result, single)
		}
	}
	if len(result) == 0 || len(result) > nodesMax {
		return nil, fmt.Errorf("nodes: from 1 to %d nodes are needed, %d were asked for", nodesMax, len(result))
	}
	return result, nil
}

func (config *nodeConfig) fillDefaults() {
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("8"),
		corev1.ResourceMemory:           resource.MustParse("32Gi"),
		corev1.ResourcePods:             resource.MustParse("110"),
		corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
	}
	for name, quantity := range config.Capacity {
		capacity[name] = quantity
	}
	config.Capacity = capacity
	if config.OSImage == "" {
		config.OSImage = "Debian GNU/Linux 12 (bookworm)"
	}
	if config.CPU == nil {
		config.CPU = &cpuConfig{Vendor: "GenuineIntel", Family: 6, Model: 106, Stepping: 6}
	}
}

// parseCPU reads vendor/family/model/stepping, or arm/implementer/architecture/variant/part/revision.
func parseCPU(text string) (*cpuConfig, error) {
	unusable := errors.New("a CPU is VENDOR/FAMILY/MODEL/STEPPING or arm/IMPLEMENTER/ARCHITECTURE/VARIANT/PART/REVISION")
	parts := strings.Split(text, "/")
	numbers := make([]int, len(parts))
	for i, part := range parts {
		numbers[i], _ = strconv.Atoi(part)
	}
	switch {
	case len(parts) == 4 && parts[0] != "":
		return &cpuConfig{Vendor: parts[0], Family: numbers[1], Model: numbers[2], Stepping: numbers[3]}, nil
	case len(parts) == 6 && parts[0] == "arm":
		return &cpuConfig{Implementer: parts[1], Architecture: numbers[2], Variant: parts[3], Part: parts[4],
			Revision: numbers[5]}, nil
	}
	return nil, unusable
}

// architecture is the Go name of the processor's architecture, as a kubelet reports it.
func (cpu *cpuConfig) architecture() string {
	if cpu.Implementer != "" {
		return "arm64"
	}
	return "amd64"
}

// text is the content of /proc/cpuinfo for two processors: as the kernel lays it out, the rows that matter.
func (cpu *cpuConfig) text() string {
	var builder strings.Builder
	for processor := range 2 {
		if cpu.Implementer != "" {
			fmt.Fprintf(&builder, "processor\t: %d\nBogoMIPS\t: 50.00\nCPU implementer\t: %s\nCPU architecture: %d\n"+
				"CPU variant\t: %s\nCPU part\t: %s\nCPU revision\t: %d\n\n",
				processor, cpu.Implementer, cpu.Architecture, cpu.Variant, cpu.Part, cpu.Revision)
			continue
		}
		fmt.Fprintf(&builder, "processor\t: %d\nvendor_id\t: %s\ncpu family\t: %d\nmodel\t\t: %d\n"+
			"model name\t: Simulated Processor\nstepping\t: %d\nmicrocode\t: 0x1\ncpu MHz\t\t: 2000.000\n\n",
			processor, cpu.Vendor, cpu.Family, cpu.Model, cpu.Stepping)
	}
	return builder.String()
}
