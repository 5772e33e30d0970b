package lease

import "context"

// Manager is one collector's part in leasing: it follows the lease topic,
// writes its own sessions, and decides while it is the decider. All methods
// may be called from anywhere.
type Manager struct{}

// New makes a Manager. It connects on first use.
func New(cfg Config) (*Manager, error) { return &Manager{}, nil }

// Run works until ctx ends; then it takes back all sessions that are still
// joined, leaves the election, and returns nil.
func (m *Manager) Run(ctx context.Context) error { return nil }

// Ready is closed once the lease topic has been read to the end.
func (m *Manager) Ready() <-chan struct{} { return nil }

// Join adds a session; its record is in Kafka when Join returns.
func (m *Manager) Join(ctx context.Context, s Session) (*Membership, error) { return nil, nil }

// Agents lists the connected agents of all collectors, by agent and session.
func (m *Manager) Agents() []Agent { return nil }

// Leases lists the devices with their holders, by device.
func (m *Manager) Leases() []DeviceLease { return nil }

// Decider names the collector that decides; empty while none does.
func (m *Manager) Decider() string { return "" }

// Drain takes an agent's devices away and gives it no more. It returns how
// many devices the agent carried.
func (m *Manager) Drain(ctx context.Context, agentID string) (int, error) { return 0, nil }

// Membership is a joined session.
type Membership struct{}

// Changes gives what is to be carried; closed after Leave or when the manager
// ends. Changes that were not read in time are merged into one.
func (ms *Membership) Changes() <-chan Change { return nil }

// Leave gives all devices back and ends the membership. A second call does
// nothing.
func (ms *Membership) Leave(ctx context.Context) {}
