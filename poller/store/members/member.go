package members

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/lease"
)

// Member is what an instance says of itself.
type Member struct {
	Owner    lease.Owner       `yaml:",inline"`
	Since    time.Time         `yaml:"since"`            // by the store's clock
	Capacity int               `yaml:"capacity"`         // runs at the same time
	Labels   map[string]string `yaml:"labels,omitempty"` // from --labels
	Tasks    map[string]Task   `yaml:"tasks,omitempty"`  // that it polls, or would, by name
	Lease    time.Duration     `yaml:"lease,omitempty"`  // how long its leases last
	Behind   []string          `yaml:"behind,omitempty"` // tasks that it should have polled, and has not
	Left     bool              `yaml:"left,omitempty"`   // it has ended as it should

	Seen time.Time `yaml:"-"` // its last beat, by the store's clock
}

// Task is what a member announces.
type Task struct {
	Definition string `yaml:"definition"`     // a digest, the same for the same definition
	Each       bool   `yaml:"each,omitempty"` // every member runs it, with a document of its own
}

// equal tells whether two say the same.
func (m Member) equal(other Member) bool {
	return m.Owner == other.Owner && m.Since.Equal(other.Since) && m.Capacity == other.Capacity && m.Left == other.Left && m.Lease == other.Lease &&
		maps.Equal(m.Labels, other.Labels) && maps.Equal(m.Tasks, other.Tasks) && slices.Equal(m.Behind, other.Behind)
}

// announces tells whether a member polls a task, or would.
func (m Member) announces(task string) bool {
	_, ok := m.Tasks[task]
	return ok
}

// silentFor tells whether a member has given no sign for so many lengths of its leases.
func (m Member) silentFor(leases int, now time.Time, otherwise time.Duration) bool {
	return now.Sub(m.Seen) > time.Duration(leases)*cmp.Or(m.Lease, otherwise)
}

// behindWith tells whether a member has not polled a task that it should have.
func (m Member) behindWith(task string) bool { return slices.Contains(m.Behind, task) }

func decode(data []byte) (Member, error) {
	var m Member
	err := yaml.Unmarshal(data, &m)
	return m, err
}

// CheckName refuses what cannot be told from the name of a document in a bucket.
func CheckName(name string) error {
	if strings.HasSuffix(name, bucket.Suffix) {
		return fmt.Errorf("an instance cannot be called %s: a name that ends in %s is a document's; give it another by --instance", name, bucket.Suffix)
	}
	return nil
}

// NameTakenError says that another instance has the name.
type NameTakenError struct{ By Member }

func (e *NameTakenError) Error() string {
	return fmt.Sprintf("the instance name %s is taken: %s has had it since %s and lives; give this one another by --instance",
		e.By.Owner.Name, e.By.Owner, e.By.Since.UTC().Format(time.RFC3339))
}
