// Package standin holds the tests of deploy/ecs/gantry.yaml in motion: a stand-in
// for ECS starts the tasks that the template defines, as real processes, each in
// a network namespace of its own, and scales, releases and interrupts them. After
// each scenario verify must find nothing lost and nothing counted twice.
//
// # What is as on Fargate
//
// Tasks run the template's commands with the template's environment and secrets,
// as its user, on its ports, and with nothing else. Each has an address of its own
// and reaches the collectors by one address, behind which a TCP balancer asks for
// their health by HTTPS as the target group says and drains before SIGTERM comes.
// Services replace tasks within MinimumHealthyPercent and MaximumPercent, count a
// task only when its health command says so, replace what dies, and go back to the
// revision before when a new one does not come up. A task ends by SIGTERM,
// StopTimeout, SIGKILL; its metadata endpoint is where ECS has it.
//
// # What is not
//
// Waits (health intervals, the deregistration delay, a machine that stalls) are a
// fifth of the template's, limits are as they are. One machine is all zones; Kafka
// and ClickHouse are the embedded ones, in the clear; processes see the machine's
// file system; nothing is placed, paid for or refused for want of capacity.
//
// # How it leaves nothing behind
//
// The test executable runs itself in a new network namespace. Bridge, addresses
// and the tasks' namespaces are inside, so that two runs at once do not meet and
// all is gone when the processes are, which the kernel kills with their parent.
package standin
