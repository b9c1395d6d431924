package members

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"strings"
)

// Rank orders the members that announce a task by who should poll it. Of the tasks each
// is the first for as many as its capacity is of all; when one comes or goes, only
// those move that it gets or had.
func Rank(task string, all []Member) []Member {
	type ranked struct {
		Member
		weight float64
	}
	var rank []ranked
	for _, m := range all {
		if m.announces(task) {
			rank = append(rank, ranked{m, weight(task, m)})
		}
	}
	slices.SortFunc(rank, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), strings.Compare(a.Owner.Name, b.Owner.Name))
	})
	members := make([]Member, len(rank))
	for i, r := range rank {
		members[i] = r.Member
	}
	return members
}

// weight is a random number that only the names decide, scaled by the capacity: of
// exponential variables with different rates, each is the least as often as its rate is of all.
func weight(task string, m Member) float64 {
	sum := sha256.Sum256([]byte(task + "\x00" + m.Owner.Name))
	const bits = 53 // of a float64
	uniform := (float64(binary.BigEndian.Uint64(sum[:])>>(64-bits)) + 0.5) / (1 << bits)
	return -float64(max(1, m.Capacity)) / math.Log(uniform)
}

// mostPollers is how many members poll a task whose first ones are behind with it.
const mostPollers = 3

// pollers are the first of the rank that is not behind with the task, with those before it.
func pollers(task string, all []Member) []Member {
	rank := Rank(task, all)
	for i, m := range rank {
		if !m.behindWith(task) || i+1 == mostPollers {
			return rank[:i+1]
		}
	}
	return rank
}
