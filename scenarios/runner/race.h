// race: what a scenario's [throughput] says: which healthy twin its speed is compared with. Called by
// scenario.cpp only.
#pragma once

#include "scenarios/runner/scenario.h"
#include "scenarios/runner/scenario_values.h"

namespace leakhunt::runner {

// Reads the twin's file as well: it lies beside the scenario's own. Mistakes become the values' complaint.
void read_race(ScenarioValues& values, const ScheduleRequest& request, Schedule& schedule);

}  // namespace leakhunt::runner
