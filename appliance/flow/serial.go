package flow

import "strconv"

// Serial is the binding's identifier as an administrator sees and types it.
func (is Binding) Serial() string { return strconv.FormatUint(uint64(is.ID), 16) }
