// Command score compares what the models in dbt answer to the four questions
// with what would really happen: it plants roads whose truth the world can
// compute, writes the readings of their devices into a ClickHouse of its own,
// builds the models, and counts right and wrong verdicts.
package main
