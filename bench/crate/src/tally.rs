//! The workflow that the other benchmarks run, for the crate.

use std::time::Duration;

use async_trait::async_trait;
use ironflow::{Decision, EffectContext, EffectHandler, HasWorkflowId, Never, Timer, Workflow};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Adds numbers.
pub struct Tally;

#[derive(Default, Serialize)]
pub struct State {
    sum: i64,
}

#[derive(Debug, Serialize, Deserialize, HasWorkflowId)]
#[serde(tag = "type")]
#[workflow_id(id)]
pub enum Input {
    /// One event, one effect and, when it is to remind, a timer.
    Add { id: String, amount: i64, note: String, remind: bool },
    /// Comes from the timer.
    Remind { id: String },
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    Added { amount: i64, note: String },
    Reminded,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Effect {
    Tell { amount: i64, note: String },
}

impl Workflow for Tally {
    type State = State;
    type Input = Input;
    type Event = Event;
    type Effect = Effect;
    type Rejection = Never;

    const TYPE: &'static str = "tally";

    fn evolve(mut state: State, event: Event) -> State {
        if let Event::Added { amount, .. } = event {
            state.sum += amount;
        }
        state
    }

    fn decide(_now: OffsetDateTime, _state: &State, input: &Input) -> Decision<Event, Effect, Input, Never> {
        match input {
            Input::Add { id, amount, note, remind } => {
                let decision = Decision::accept(Event::Added { amount: *amount, note: note.clone() })
                    .with_effect(Effect::Tell { amount: *amount, note: note.clone() });
                if !remind {
                    return decision;
                }
                let timer = Timer::after(Duration::from_secs(3600), Input::Remind { id: id.clone() });
                decision.with_timer(timer.with_key("reminder"))
            }
            Input::Remind { .. } => Decision::accept(Event::Reminded),
        }
    }
}

/// Handles nothing: effects are not delivered while decisions are measured.
pub struct Nothing;

#[async_trait]
impl EffectHandler for Nothing {
    type Workflow = Tally;
    type Error = std::convert::Infallible;

    async fn handle(&self, _: &Effect, _: &EffectContext) -> Result<Option<Input>, Self::Error> {
        Ok(None)
    }
}
