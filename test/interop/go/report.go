package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// result collects what one check found amiss.
type result struct {
	faults []string
}

func (r *result) equal(what string, got, want any) {
	if got != want {
		r.faults = append(r.faults, fmt.Sprintf("%s: expected %v, got %v", what, want, got))
	}
}

type line struct {
	Check  string   `json:"check"`
	OK     bool     `json:"ok"`
	Faults []string `json:"faults,omitempty"`
}

// check runs one check and prints its line. A call that fails is a fault of its check, not the end of the others.
func (s *suite) check(name string, run func(*result)) {
	r := &result{}
	func() {
		defer func() {
			if failure := recover(); failure != nil {
				r.faults = append(r.faults, fmt.Sprint(failure))
			}
		}()
		run(r)
	}()
	if len(r.faults) > 0 {
		s.failures++
	}
	if err := json.NewEncoder(os.Stdout).Encode(line{Check: name, OK: len(r.faults) == 0, Faults: r.faults}); err != nil {
		panic(err)
	}
}

// must is for calls that have to succeed for the rest of their check to make sense.
func must[T any](answer T, err error) T {
	if err != nil {
		panic(err)
	}
	return answer
}
