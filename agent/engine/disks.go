package engine

import "context"

// Disk is a disk that a person can plug in and out, or a part of one.
type Disk struct {
	ID     string `json:"id"`               // as Destination.Disk has it
	Label  string `json:"label"`            // that a person gave it, or its maker
	Folder string `json:"folder,omitempty"` // where it is mounted; "" for nowhere
	Kind   string `json:"kind"`             // of file system: "ext4", "vfat"
	Size   int64  `json:"size"`             // bytes
	Free   int64  `json:"free"`             // bytes, while it is mounted
	// ReadOnly: nothing can be written to it as it is.
	ReadOnly bool `json:"read_only,omitempty"`
}

// Ejected says how far a disk was taken away.
type Ejected struct {
	Label string `json:"label"`
	// Off: it has no power any more, or no medium. Else it is unmounted, and Why
	// says why it was left on.
	Off bool   `json:"off"`
	Why string `json:"why,omitempty"`
}

// Disks is what this device knows of disks that come and go.
type Disks interface {
	// List lists those that are plugged in, at most 256.
	List(ctx context.Context) ([]Disk, error)
	// Eject unmounts the disk that the destination's folder lies on, and switches
	// it off where it can be. Where the destination names its disk, no other is
	// touched: it is looked for where it is plugged in now. What is in use, or
	// away, is a [BlockedError].
	Eject(ctx context.Context, d Destination) (Ejected, error)
}
