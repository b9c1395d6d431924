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
// and "reuse" if that may be there.
func main() {
	o := git.Options{Reuse: len(os.Args) > 4 && os.Args[4] == "reuse"}
	if err := run(os.Args[1], os.Args[2], os.Args[3], o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
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
