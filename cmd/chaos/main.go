//go:build linux

// Command chaos tries whether instances that share a store keep their promises while everything fails. It runs six of the
// real program on versitygw or Azurite with clocks that differ, pushes to what they watch, kills and stops them at random
// moments, takes the store away, then holds what they did to docs/many-instances.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// plan is how much of what happens.
type plan struct {
	kitops  string // built with the overlay of .ci/chaos, whose wall clock differs by CHAOS_SKEW seconds
	store   string // s3 or azblob
	server  string // versitygw, or the main.js of Azurite
	length  time.Duration
	ttl     time.Duration
	short   bool // the ttl is one that only tests may have
	members int
	tasks   int
	commits int
	kills   int
	stops   int
	ends    int // by SIGTERM
	outages int
	seed    uint64
}

// refs are the branches of each task.
func refs() []string { return []string{"main", "dev", "next"} }

func main() {
	if len(os.Args) == 2 && os.Args[1] == actionArg {
		if err := act(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	p := plan{}
	flag.StringVar(&p.kitops, "kitops", "", "the program")
	flag.StringVar(&p.store, "store", "s3", "s3 or azblob")
	flag.StringVar(&p.server, "server", "", "versitygw, or the main.js of Azurite")
	flag.DurationVar(&p.length, "for", time.Hour, "how long things fail")
	flag.DurationVar(&p.ttl, "ttl", time.Minute, "of leases")
	flag.IntVar(&p.members, "members", 6, "how many instances")
	flag.IntVar(&p.tasks, "tasks", 20, "of three branches each")
	flag.IntVar(&p.commits, "commits", 200, "pushed in that time")
	flag.IntVar(&p.kills, "kills", 60, "by SIGKILL")
	flag.IntVar(&p.stops, "stops", 40, "by SIGSTOP, for up to three ttl")
	flag.IntVar(&p.ends, "ends", 10, "by SIGTERM")
	flag.IntVar(&p.outages, "outages", 12, "of the store, for up to two ttl")
	flag.Uint64Var(&p.seed, "seed", 0, "of what happens when; 0: a random one, which is printed")
	keep := flag.String("keep", "", "keep logs and ledger in this directory, which is made")
	flag.Parse()
	const safest = 45 * time.Second
	p.short = p.ttl < safest
	if p.seed == 0 {
		p.seed = rand.Uint64()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, p, *keep)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// run plays the plan in a directory, which is gone afterwards unless it is to be kept.
func run(ctx context.Context, p plan, dir string) (err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "kitops-chaos-*"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	} else if dir, err = filepath.Abs(dir); err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return err
	}
	if p.kitops, err = filepath.Abs(p.kitops); err != nil {
		return err
	}
	if p.server, err = filepath.Abs(p.server); err != nil {
		return err
	}
	w, err := newWorld(ctx, p, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	w.say("seed %d, %d members with a ttl of %s on %s, %s", p.seed, p.members, p.ttl, p.store, p.length)
	if err := w.play(ctx); err != nil {
		return err
	}
	return w.verdict()
}
