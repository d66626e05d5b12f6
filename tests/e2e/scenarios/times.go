package main

import "time"

// Younger than that is young: some hold may not be over.
const young = 10 * time.Minute

// youngest is the age of the object created last, or since the last deletion was asked for, where that is less than some
// hold; else 0. The server says by its own clock when that was: its operator's clock has to be right for the age.
func youngest(each *scenario) time.Duration {
	found := time.Duration(0)
	note := func(said string, later time.Duration) {
		at, err := time.Parse(time.RFC3339, said)
		if passed := each.now.Sub(at); err == nil && passed < young && (found == 0 || passed+later < found) {
			found = passed + later
		}
	}
	for _, object := range each.objects {
		note(text(object, "metadata", "creationTimestamp"), 0)
		note(text(object, "metadata", "deletionTimestamp"), graceOf(object))
	}
	return found
}
