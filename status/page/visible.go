package page

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/api"
)

// errTooManyOrders is the answer to who orders without end.
var errTooManyOrders = errors.New("too many orders in a short time: wait a minute")

// caller is who a session is to the API: the one place that decides what it sees and may.
func (s *Server) caller(ctx context.Context, one session) api.Caller {
	if one.User == nil {
		return api.Caller{Name: one.Name}
	}
	visible := sync.OnceValue(func() map[string]bool { return s.visible(ctx, *one.User) })
	return api.Caller{
		Name: one.Name, Person: poller.Person{ID: one.User.ID, Login: one.User.Login},
		Sees: func(task string) bool { return one.fresh(time.Now()) && visible()[task] },
		Orders: func(ctx context.Context, task string) error {
			r, on := s.o.Repositories()[task]
			if !on {
				return fmt.Errorf("%w: %s is not on GitHub", api.ErrForbidden, task)
			}
			if !s.asking.mayOrder(one.User.ID) {
				return errTooManyOrders
			}
			may, err := r.MayPush(ctx, *one.User)
			if err == nil && !may {
				err = fmt.Errorf("%w: GitHub does not let %s push to %s", api.ErrForbidden, one.User.Login, r.FullName)
			}
			return err
		},
	}
}

// visible are the tasks that a user sees: on private repositories that he reaches, on public ones that he may push to,
// and with --page-public on all public ones.
func (s *Server) visible(ctx context.Context, user app.Person) map[string]bool {
	all := map[string]bool{}
	for task, r := range s.o.Repositories() {
		reach, reached := user.Reaches[r.ID]
		if r.ID == 0 { // nothing has run yet: there is its name alone to be seen
			reach, reached = reachedByName(user, r.FullName)
		}
		switch {
		case reached && (reach.Private || reach.Push):
			all[task] = true
		case s.o.PagePublic:
			all[task] = s.asking.isPublic(ctx, r)
		}
	}
	return all
}

// ofTasks are those repositories of a user that tasks are about: he may reach ten thousand, and all sessions are written at once.
func (s *Server) ofTasks(all map[int64]app.Access) map[int64]app.Access {
	ids, names := map[int64]bool{}, map[string]bool{}
	for _, r := range s.o.Repositories() {
		ids[r.ID], names[strings.ToLower(r.FullName)] = true, true
	}
	few := map[int64]app.Access{}
	for id, reach := range all {
		if ids[id] || names[strings.ToLower(reach.Name)] {
			few[id] = reach
		}
	}
	return few
}

// reachedByName finds what a user reaches by its name.
func reachedByName(user app.Person, name string) (app.Access, bool) {
	for _, reach := range user.Reaches {
		if strings.EqualFold(reach.Name, name) {
			return reach, true
		}
	}
	return app.Access{}, false
}
