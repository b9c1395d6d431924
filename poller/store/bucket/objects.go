package bucket

import (
	"context"
	"time"
)

// Objects is a bucket (or container) as one protocol reaches it. Its methods make one request each, within the time of ctx, and
// may be used concurrently. Every error is *[Error].
type Objects interface {
	// Get returns an object with its body. With [Missing], too, the answer has the server's time.
	Get(ctx context.Context, name string) (Object, error)
	// Put writes an object if cond holds; the answer has its ETag, unless the server did not say it.
	Put(ctx context.Context, name string, body []byte, cond Condition) (Object, error)
	// List returns objects whose names begin with prefix, without bodies, in any order; at first after is empty, then it is the
	// former page's Next.
	List(ctx context.Context, prefix, after string) (Page, error)
	// Remove deletes an object whatever it is; one that is not there is no error.
	Remove(ctx context.Context, name string) error
	// String is the URL of the bucket, without credentials, as people name it.
	String() string
}

// Object is what a server says of one.
type Object struct {
	Name     string
	ETag     string // without quotes
	Body     []byte
	Size     int64
	Modified time.Time
	Now      time.Time // by the server's clock (Date, RFC 9110 6.6.1), whole seconds
}

// Page is a part of a listing.
type Page struct {
	Objects []Object
	Next    string // where the next page begins; empty: this is the last
	Now     time.Time
}

// Condition is what must hold for a put. The zero Condition always holds.
type Condition struct {
	Absent bool   // nothing is there (If-None-Match: *)
	ETag   string // this is there (If-Match)
}

// Fault is what an error means for the one who asked.
type Fault int

// Faults, in the order of how much is known.
const (
	Unsure  Fault = iota // no answer, or one that leaves open whether a put was done: ask again
	Refused              // not done, and never will be
	Missing              // there is no such object
	Changed              // the condition does not hold (412)
	Busy                 // not done, since others write the same (409): read, and try again
	Skewed               // not done, since the clocks differ: the next request has the right time
	Stale                // not done, since the credentials have ended: the next request has new ones
)

// Error is an answer that is none, or not the one that was asked for.
type Error struct {
	Fault   Fault
	Problem string // what, where and how to fix it
	Now     time.Time
	Err     error // what the library says; may be nil
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Problem
	}
	if e.Problem == "" {
		return e.Err.Error()
	}
	return e.Problem + " (" + e.Err.Error() + ")"
}

func (e *Error) Unwrap() error { return e.Err }
