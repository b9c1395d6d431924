package settings

// topKeys are those of a task file.
type topKeys struct {
	Defaults section[taskKeys] `key:"defaults" shared:"yes" help:"What every task gets that leaves it out. Mappings such as git: and github: are merged key by key; lists such as actions: are taken as a whole."`
	Notify   list[notifyKeys]  `key:"notify" each:"notify" help:"Who is notified of the runs of all tasks, beside those of the task itself."`
	Tasks    list[taskKeys]    `key:"tasks" each:"task" need:"runners" help:"What to watch and do."`
	Runners  list[runnerKeys]  `key:"runners" each:"entry of runners" help:"Scale sets of GitHub Actions whose jobs run here: see [build-servers.md](build-servers.md)."`
}

// taskKeys are those of one task.
type taskKeys struct {
	Name     text                `key:"name" own:"yes" need:"yes" help:"Unique. It names the state, the status context and the log lines."`
	Git      section[gitKeys]    `key:"git" need:"yes" help:"What to watch."`
	Pulls    section[pullKeys]   `key:"pull_requests" help:"Which open pull requests run, too: with a GitHub App. Without branch, no branch is watched beside them."`
	GitHub   section[githubKeys] `key:"github" help:"The GitHub App of the repository. The flags --github-app-id and so on are its defaults."`
	Verify   section[verifyKeys] `key:"verify" help:"Whose signature a revision must have. Nothing of any other one is used."`
	Paths    texts               `key:"paths" each:"path" default:"any change" help:"What a revision must have changed to be run: patterns of paths such as api/** or *.go; !pattern excludes. One that changes nothing of it is applied without a run."`
	OnNew    text                `key:"on_new" values:"remember,run" default:"remember" help:"What becomes of branches that a pattern matches at the task's first poll: they are remembered and run when they move, or run."`
	OnNone   text                `key:"on_nothing" values:"success,silent" default:"success" help:"What a commit is told for which paths, or the file of config, leave nothing to run: success, or nothing (silent)."`
	Every    span                `key:"interval" default:"--interval" help:"How often to poll, shortened at random by up to 10 %."`
	Timeout  span                `key:"timeout" default:"--timeout" help:"Time for one run: fetch and all actions."`
	Limits   section[limitKeys]  `key:"limits" help:"What the processes of one run may use together, also of actions that the repository brings. All but nice and workdir need Linux with cgroup v2, and kitops in a cgroup of its own, as its unit for systemd has it; where one cannot be set the agent does not start."`
	RunOn    text                `key:"run_on" values:"one,each" default:"one" help:"On a shared store, whether one instance runs what is new for all of them, or each for itself, as machines do that deploy themselves."`
	Where    texts               `key:"instances" each:"instances" default:"all" help:"Which instances have the task: names, patterns such as gpu-*, or labels such as zone=north, any of which has to match."`
	OnLost   text                `key:"on_lost_lease" values:"stop,finish" default:"stop" help:"On a shared store, what becomes of a run whose instance is cut off from the store for too long: its actions are ended before another instance starts, or go on beside that."`
	Config   text                `key:"config" not:"actions" clash:"config and actions exclude each other: the repository brings the actions" help:"The file of the repository that says what to do, at the revision being run, instead of actions. See below what it may say."`
	Allow    section[allowKeys]  `key:"allow" help:"What the actions of that file may have."`
	Secrets  sources             `key:"secrets" help:"Variables for all actions of the task that are read when an action starts and masked in its output: a mapping of names to {file: PATH} or {env: NAME}. With config, those that allow: {secrets: [NAME]} lists."`
	Actions  list[actionKeys]    `key:"actions" each:"action" need:"config" elsewhere:"yes" help:"Commands, run in order; the first that fails ends the run."`
	Retry    retries             `key:"retry" default:"without end" help:"How often a revision is tried again whose actions have failed: off, or {times: N, pause: DURATION}; pauses double up to an hour. What kitops could not run is always tried again. Of tags and pull requests the default is off."`
	Grace    span                `key:"grace" default:"8s" help:"The time that actions have to end between SIGTERM and SIGKILL: when the run is out of time or cancelled, and when kitops ends."`
	Together count               `key:"parallel" range:"1-1000" default:"1" help:"How many branches of the task run at the same time, within --max-parallel."`
	Group    text                `key:"group" not:"parallel" help:"Tasks of one group never run at the same time, not on different instances either."`
	Windows  texts               `key:"windows" each:"window" default:"always" help:"When runs may start: Mon-Fri 08:00-17:00 Europe/Stockholm, by the clocks of that time zone; any of several. What is due outside of them waits."`
	Requires texts               `key:"requires" each:"requirement" help:"Commit statuses and check runs that must be successful before a head runs: names such as ci/test or build*, or NAME@APP for those of one GitHub App. Each must be there. It needs a GitHub App."`
	SkipCI   boolean             `key:"skip_ci" default:"false" help:"Apply a head without a run whose commit message has [skip kitops] or [skip ci]. It is reported as skipped on request."`
	Own      text                `key:"own_pushes" values:"skip,run" default:"skip" help:"What becomes of a head that an action has pushed with its github_token: it is applied without a run, lest it runs for ever, or run."`
	Approve  text                `key:"approve" values:"each,none" default:"none" help:"each: a head waits until somebody has approved it: kitops approve TASK SHA."`
	OnPush   text                `key:"on_push" values:"finish,cancel" default:"finish, of pull requests cancel" help:"What becomes of a run when its branch, or pull request, has a newer head: it is finished first, or cancelled."`
	Failing  aftermath           `key:"on_failure" each:"action" help:"Commands that run in the same directory after a run that did not succeed. They do not change its outcome. rollback runs the revision applied before again when the last try has failed (see retry), and stays there until another head appears."`
	Notify   list[notifyKeys]    `key:"notify" each:"notify" help:"Who is notified of the runs. The flags --notify and --notify-url-file are the default."`
	Always   list[actionKeys]    `key:"always" each:"action" help:"Commands that run after every run, and after on_failure. All of them together have one minute."`
}

// limitKeys say what the processes of a run may use.
type limitKeys struct {
	Memory   size   `key:"memory" help:"Memory such as 512MB or 2G. What needs more is ended by the kernel."`
	CPU      number `key:"cpu" help:"Processors: 2, or 0.5 for half of one."`
	PIDs     count  `key:"pids" range:"1-4194304" help:"Processes and threads at the same time."`
	IOWeight count  `key:"io_weight" range:"1-10000" help:"Share of a busy disk, from 1 to 10000, where others have 100."`
	Nice     count  `key:"nice" range:"1-19" help:"From 1 to 19: how far the processes stand back behind others for a processor."`
	Workdir  size   `key:"workdir" help:"Disk that the directory of the run may take, such as 2G, .git included. It is measured now and then; an action in which it is more is ended, and has failed."`
}

// gitKeys say what to watch.
type gitKeys struct {
	URL         text    `key:"url" own:"yes" need:"urls" help:"Repository: https://, http://, ssh://, git@host:path, file:// or a path relative to the task file. With a GitHub App also a pattern such as acme/*."`
	URLs        texts   `key:"urls" own:"yes" not:"url" each:"url" help:"Patterns for the repositories of a GitHub App, such as acme/{api,web}-*; !pattern excludes. Each that matches has a task of its own."`
	Branch      text    `key:"branch" default:"the remote's default branch" help:"A name, or a pattern such as release/* or **."`
	Branches    texts   `key:"branches" not:"branch" each:"branch" help:"Several names and patterns; !pattern excludes."`
	Tags        tags    `key:"tags" each:"tag" help:"Tags to watch: names and patterns such as v*, where !pattern excludes; or {semver: RANGE, match: PATTERN, prerelease: true} for the highest version only. Without branch, no branch is watched beside them."`
	SSHKeyFile  text    `key:"ssh_key_file" default:"--ssh-key-file" help:"Private key for an ssh repository, relative to the task file."`
	Checkout    text    `key:"checkout" values:"fresh,reuse" default:"fresh" help:"Whether each run has a working directory of its own, or each branch one that is brought up to date."`
	Clean       boolean `key:"clean" default:"false" help:"With checkout: reuse, remove what is not of the revision before each run."`
	DotGit      boolean `key:"dot_git" default:"false" help:"Put a .git into the working directory, for actions that call git."`
	History     commits `key:"history" default:"1" help:"How many commits .git has, or full for all; implies dot_git."`
	Sparse      texts   `key:"sparse" each:"sparse" default:"all files" help:"Check out only these directories, such as api/, or what these patterns of gitignore select, as git sparse-checkout does. Where the server can, only that is fetched."`
	LFS         boolean `key:"lfs" default:"false" help:"Check out what files of Git LFS stand for, instead of their pointers."`
	Submodules  boolean `key:"submodules" default:"false" help:"Check out submodules, too."`
	Credentials texts   `key:"submodule_credentials" each:"submodule_credentials" help:"Addresses, or patterns of the GitHub App's repositories, of submodules that may be read with the task's credentials. With submodules: true."`
}

// githubKeys are those of a GitHub App and what it is told.
type githubKeys struct {
	AppID   word `key:"app_id" default:"--github-app-id" help:"App ID (a number) or client ID (Iv...)."`
	KeyFile text `key:"private_key_file" default:"--github-private-key-file" help:"The App's private key (PEM), relative to the task file."`
	Fleet   text `key:"report_fleet" values:"each,one" default:"each" help:"With run_on: each, whether every instance has a commit status of its own, or all have one: success when all that are alive have the revision, failure as soon as one has failed."`
	Report  text `key:"report" values:"status,check,off" default:"--github-report" help:"What a commit is told of its runs: a commit status, a check run (which needs the permission checks: write), or nothing."`
	Log     text `key:"check_log" values:"none,tail,public" default:"none" help:"Whether a check run shows the end of what the actions printed: never, on private repositories (tail), or on public ones, too. It leaves this machine then."`
	Environ text `key:"environment" default:"--github-environment" help:"An environment of the repository, such as production: each run that has something to do is a deployment to it, beside the commit status. Not those of pull requests. With --instance it is called NAME (INSTANCE)."`
	EnvURL  text `key:"environment_url" default:"--github-environment-url" help:"Where the environment is to be seen. {task}, {ref}, {sha} and {run} are filled in."`
	Comment text `key:"comment" default:"--github-comment" help:"A file that a run writes, relative to its directory: one comment on each open pull request of the commit, which later runs update. Secrets are masked."`
	Context text `key:"status_context" default:"--github-status-context" null:"write off for no commit statuses" help:"Context of the commit statuses, or off for none. A check run is called so, too."`
}

// verifyKeys say whose signatures count.
type verifyKeys struct {
	SSH     text    `key:"ssh_allowed_signers" need:"gpg_keys|web_flow" help:"A file of allowed signers as ssh-keygen reads it, relative to the task file."`
	PGP     text    `key:"gpg_keys" need:"ssh_allowed_signers|web_flow" help:"A file of OpenPGP public keys, relative to the task file."`
	Web     boolean `key:"web_flow" default:"false" help:"What is committed on GitHub's web pages or through its API, merges among it, is signed by GitHub itself: whether that counts, too."`
	Forward boolean `key:"forward_only" default:"true" help:"Refuse a signed revision that does not descend from the one that is applied, as an older one that somebody pushes again; kitops pin overrides it."`
}

// allowKeys are what an operator grants to the actions of a repository.
type allowKeys struct {
	Inherit boolean     `key:"inherit_environment" default:"false" help:"They may ask for the agent's environment."`
	Secrets texts       `key:"secrets" each:"secret" help:"The names of the task's secrets that they may ask for."`
	Token   permissions `key:"github_token" default:"false" help:"They may ask for a token: true for contents: read, or a mapping of the permissions that they may have at most."`
}

// actionKeys are those of one command.
type actionKeys struct {
	Name        text               `key:"name" default:"action-N" help:"For log lines and statuses."`
	Entrypoint  text               `key:"entrypoint" need:"run" help:"Program to run: a path, or a name looked up in PATH."`
	Args        words              `key:"args" each:"argument" help:"Its arguments, as they are."`
	Run         text               `key:"run" not:"entrypoint,args" clash:"run is short for entrypoint and args: give either" help:"Command line for /bin/sh -c, instead of entrypoint and args."`
	Environment variables          `key:"environment" help:"Variables for the action. Nothing is expanded."`
	Secrets     sources            `key:"secrets" help:"Like environment, but read when the action starts and masked in its output: a mapping of names to {file: PATH} or {env: NAME}; in a file that the repository brings, a list of names that allow: {secrets: [NAME]} has."`
	Inherit     boolean            `key:"inherit_environment" default:"false" help:"Give it the agent's environment but what concerns kitops."`
	Grace       span               `key:"grace" default:"the task's" help:"The time that it has to end between SIGTERM and SIGKILL; in a file that the repository brings at most the task's."`
	Limits      section[limitKeys] `key:"limits" help:"As in a task, beside those of the task, while this action runs: of two the tighter one."`
	Cancel      text               `key:"cancel" values:"now,after" default:"now" help:"after: when the run is cancelled, by a person or by on_push, this action is finished first."`
	Token       permissions        `key:"github_token" default:"false" help:"Give it a token for this repository in GITHUB_TOKEN and for git: true for contents: read, or a mapping of permissions."`
}

// broughtKeys are those of a file that a repository brings.
type broughtKeys struct {
	Actions  list[actionKeys] `key:"actions" each:"action" need:"yes" help:"As in a task."`
	Failing  list[actionKeys] `key:"on_failure" each:"action" help:"As in a task."`
	Always   list[actionKeys] `key:"always" each:"action" help:"As in a task."`
	Branches texts            `key:"branches" each:"branch" default:"all that the task watches" help:"Names and patterns of branches for which there is something to do; !pattern excludes."`
	Paths    texts            `key:"paths" each:"path" default:"any change" help:"As in a task, beside the task's own."`
	Timeout  span             `key:"timeout" help:"Time for the actions, at most the task's."`
}
