package main

import (
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

// The names of those who compete.
const (
	ironflowEffectsName = "effects: ironflow"
	riverDefaultName    = "effects: River, defaults"
	riverBestName       = "effects: River, best settings"
	ironflowLoopsName   = "loops: ironflow"
	dbosName            = "loops: DBOS, one step"
	goWorkflowsName     = "loops: go-workflows, one activity"
)

// contest lists who competes, in the order of a round.
func contest() []entrant {
	return []entrant{
		{ironflowEffectsName, effects, ironflowSettings{}.effects},
		{riverBestName, effects, riverBest.drain},
		{riverDefaultName, slowEffects, riverDefault.drain},
		{ironflowLoopsName, loops, ironflowSettings{}.loops},
		{dbosName, dbosLoops, dbosBest.loops},
		{goWorkflowsName, goWorkflowsLoops, goWorkflowsBest.loops},
	}
}

func effects(s sizes) int          { return s.effects }
func slowEffects(s sizes) int      { return s.slowEffects }
func loops(s sizes) int            { return s.loops }
func dbosLoops(s sizes) int        { return s.dbos }
func goWorkflowsLoops(s sizes) int { return s.goWorkflows }

// goals are the rows of the table.
var goals = []goal{
	{"effects, no-op handler, against River at its best settings", ironflowEffectsName, riverBestName, 3, 4},
	{"effects, no-op handler, against River at its defaults", ironflowEffectsName, riverDefaultName, 0, 0},
	{"whole loop against DBOS, one step", ironflowLoopsName, dbosName, 13, 18},
	{"whole loop against go-workflows, one activity", ironflowLoopsName, goWorkflowsName, 50, 70},
}

// sweepEntrants are the settings that were tried. The best of each peer is in the contest; ironflow is there at its defaults.
func sweepEntrants() []entrant {
	var entrants []entrant
	for _, handlers := range []int{0, 64, 128, 256, 1000} {
		s := ironflowSettings{runtime.Config{EffectHandlers: handlers}}
		name := fmt.Sprintf("ironflow EffectHandlers:%d", handlers)
		entrants = append(entrants, entrant{name + " effects", effects, s.effects}, entrant{name + " loops", loops, s.loops})
	}
	for _, s := range []riverSettings{
		{1, 100, time.Millisecond, poolSize},
		{1, 500, time.Millisecond, poolSize},
		{1, 1000, time.Millisecond, poolSize},
		{1, 2000, time.Millisecond, poolSize},
		{1, 5000, time.Millisecond, poolSize},
		{1, 10000, time.Millisecond, poolSize},
		{1, 500, 10 * time.Millisecond, poolSize},
		{1, 1000, 10 * time.Millisecond, poolSize},
		{1, 2000, 10 * time.Millisecond, poolSize},
		{2, 1000, time.Millisecond, poolSize},
		{2, 5000, time.Millisecond, poolSize},
		{4, 1000, time.Millisecond, poolSize},
		{2, 5000, time.Millisecond, 60},
	} {
		entrants = append(entrants, entrant{fmt.Sprintf("River %+v", s), effects, s.drain})
	}
	for _, s := range []dbosSettings{
		{10, poolSize}, {20, poolSize}, {64, poolSize}, {256, poolSize}, {1000, poolSize},
		{10, 10}, {20, 10}, {64, 10}, {64, 60}, {256, 60},
	} {
		entrants = append(entrants, entrant{fmt.Sprintf("DBOS %+v", s), dbosLoops, s.loops})
	}
	for _, s := range []goWorkflowsSettings{
		{starters: 8, pollers: 2, interval: 200 * time.Millisecond, pool: poolSize}, // its defaults
		{starters: 8, pollers: 2, interval: 5 * time.Millisecond, pool: poolSize},
		{starters: 8, pollers: 8, interval: 5 * time.Millisecond, pool: poolSize},
		{starters: 8, pollers: 16, interval: 5 * time.Millisecond, pool: poolSize},
		{starters: 8, pollers: 8, interval: 20 * time.Millisecond, pool: poolSize},
		{starters: 8, pollers: 2, interval: 20 * time.Millisecond, oneProcess: true, pool: poolSize},
		{starters: 8, pollers: 4, interval: 20 * time.Millisecond, oneProcess: true, pool: poolSize},
		{starters: 8, pollers: 8, interval: 20 * time.Millisecond, oneProcess: true, pool: poolSize},
		{starters: 8, pollers: 16, interval: 20 * time.Millisecond, oneProcess: true, pool: poolSize},
		{starters: 2, pollers: 8, interval: 20 * time.Millisecond, oneProcess: true, pool: poolSize},
		{starters: 32, pollers: 8, interval: 20 * time.Millisecond, oneProcess: true, pool: poolSize},
		{starters: 8, pollers: 8, interval: 20 * time.Millisecond, maxTasks: 16, oneProcess: true, pool: poolSize},
		{starters: 8, pollers: 8, interval: 20 * time.Millisecond, oneProcess: true, pool: 60},
	} {
		entrants = append(entrants, entrant{fmt.Sprintf("go-workflows %+v", s), goWorkflowsLoops, s.loops})
	}
	return entrants
}
