// Command checkout is what an agent does between a push and the first action:
// it looks at main, fetches and checks out. The bench measures it beside git.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/bittrance/kitops/poller/git"
)

// main takes the address, the directory of the mirror and that of the checkout,
// and "reuse" if that may be there, or "sparse" and what is to be checked out.
func main() {
	o, err := options(os.Args[4:])
	if err == nil {
		err = run(os.Args[1], os.Args[2], os.Args[3], o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func options(args []string) (o git.Options, err error) {
	switch {
	case len(args) == 0:
	case args[0] == "sparse":
		o.Sparse, err = git.ParseSparse(args[1:])
	default:
		o.Reuse = args[0] == "reuse"
	}
	return o, err
}

func run(address, mirror, dir string, o git.Options) error {
	url, err := git.ParseURL(address)
	if err != nil {
		return err
	}
	m := &git.Mirror{URL: url, Dir: mirror, Transport: git.NewTransport()}
	ctx := context.Background()
	heads, err := m.Heads(ctx, git.Patterns{"refs/heads/main"})
	if err != nil {
		return err
	}
	return m.Checkout(ctx, heads[0], dir, o)
}
