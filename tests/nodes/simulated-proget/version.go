package main

import (
	"fmt"
	"strconv"
	"strings"
)

// version is a release such as 25.0.13.
type version struct {
	release string
	major   int
	patch   int
}

const defaultRelease = "25.0.13"

// parseVersion reads a release or an image's tag; what is no release becomes the default one.
func parseVersion(text string) version {
	release, _, _ := strings.Cut(text, "-")
	parts := strings.Split(release, ".")
	numbers := make([]int, len(parts))
	for i, part := range parts {
		number, err := strconv.Atoi(part)
		if err != nil || len(parts) != 3 {
			return parseVersion(defaultRelease)
		}
		numbers[i] = number
	}
	return version{release: release, major: numbers[0], patch: numbers[2]}
}

// number is the version as people read it: 2025.13 (Build 2).
func (v version) number() string { return fmt.Sprintf("%d.%d (Build 2)", v.year(), v.patch) }

// year is the major version by name: 2025.
func (v version) year() int { return 2000 + v.major }

// splitImage separates the last part of an image's name, and its tag.
func splitImage(image string) (string, string) {
	image, _, _ = strings.Cut(image, "@")
	last := image[strings.LastIndexByte(image, '/')+1:]
	name, tag, _ := strings.Cut(last, ":")
	return name, tag
}

// productOf tells the product by its image's name.
func productOf(name string) string {
	switch name {
	case "buildmaster":
		return "BuildMaster"
	case "otter":
		return "Otter"
	}
	return "ProGet"
}
