/** Trainings through a real Temporal server with real workers, through a ClearML queue that ClearML's own agent serves. */
import { describeSharedTrainings } from "./shared-training-cases.js";
import { describeTrainings, Trainings } from "./training-cases.js";
import { queues } from "./training-places.js";

const trainings = new Trainings("the same, through a ClearML queue", queues);

describeTrainings("a training through Temporal, through a ClearML queue", trainings);

describeSharedTrainings("a training through Temporal, through a ClearML queue that every worker sees", trainings);
