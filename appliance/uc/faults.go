package uc

import (
	"errors"
	"fmt"
)

// faults collects sentences.
type faults []error

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Errorf(format, args...)) }

func (f faults) join() error { return errors.Join(f...) }
