// Package disk finds the image's partitions, makes the data partition's file
// system where there is none, grows it to the disk's end, and mounts both.
// PID 1, its format child and the slot package call it.
package disk
