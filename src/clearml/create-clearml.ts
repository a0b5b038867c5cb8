/** Puts session, services and file server together: what most callers begin with. */
import { systemClock, type Clock } from "../base/clock.js";
import { withConfEnvironment } from "../base/conf-environment.js";
import { silentLogger, type Logger } from "../base/logger.js";
import { AuthService } from "./auth-service.js";
import { EventsService } from "./events-service.js";
import { FileServer } from "./file-server.js";
import { ModelsService } from "./models-service.js";
import { ObjectFiles } from "./object-files.js";
import type { ClearMLSessionOptions, Environment } from "./options.js";
import { ProjectsService } from "./projects-service.js";
import { QueuesService } from "./queues-service.js";
import { ReadingService } from "./reading-service.js";
import { ServerService } from "./server-service.js";
import { ClearMLSession } from "./session.js";
import { TasksService } from "./tasks-service.js";
import { WorkersService } from "./workers-service.js";

/** ClearML, service by service, over one session. */
export interface ClearML extends AsyncDisposable {
  readonly session: ClearMLSession;
  readonly auth: AuthService;
  readonly tasks: TasksService;
  readonly events: EventsService;
  readonly models: ModelsService;
  readonly projects: ProjectsService;
  readonly queues: QueuesService;
  readonly workers: WorkersService;
  /** What was reported, as charts and tables. */
  readonly reading: ReadingService;
  readonly server: ServerService;
  readonly files: FileServer;
  /** Files of tasks and models, on the file server, in S3 or in a folder. */
  readonly objects: ObjectFiles;
  /** The package's own words, as they were asked for. */
  readonly logger: Logger;
  readonly clock: Clock;
  /** The environment that the client was made with. */
  readonly env: Environment;
  /** Closes the session, and what `objects` opened. */
  close(): Promise<void>;
}

/**
 * A client for ClearML. Opens nothing: the first call logs in. What is not given is taken from `given`, the environment.
 *
 * @throws ConfigError with everything that is wrong or missing.
 */
export function createClearML(options: ClearMLSessionOptions = {}, given: Environment = process.env): ClearML {
  const env = withConfEnvironment(given);
  const session = new ClearMLSession(options, env);
  const { clock, random, logger, retry } = options;
  const files = new FileServer(session, clock ? { clock } : {});
  const objects = new ObjectFiles({ files, env, clock, random, logger, retry });
  const close = async (): Promise<void> => {
    await Promise.all([session.close(), objects.close()]);
  };
  const tasks = new TasksService(session);
  const events = new EventsService(session);
  return {
    session,
    auth: new AuthService(session),
    tasks,
    events,
    models: new ModelsService(session),
    projects: new ProjectsService(session),
    queues: new QueuesService(session),
    workers: new WorkersService(session),
    reading: new ReadingService({ session, tasks, events }),
    server: new ServerService(session),
    files,
    objects,
    logger: logger ?? silentLogger,
    clock: clock ?? systemClock,
    env,
    close,
    [Symbol.asyncDispose]: close,
  };
}
