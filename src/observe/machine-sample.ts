/** The machine at one moment, as somebody read it; and the port of whoever reads. What a machine does not tell is absent. */

/** One look. Counters only grow; what they grew by between two looks is the load. */
export interface MachineSample {
  /** Time that all processors spent working, in ms, since the machine's start. */
  readonly cpuBusyMs?: number | undefined;
  /** The same with the time in which they were idle. */
  readonly cpuTotalMs?: number | undefined;
  /** Resident memory of this process and its children. */
  readonly memoryUsedBytes?: number | undefined;
  /** What the machine could still give. */
  readonly memoryFreeBytes?: number | undefined;
  /** Of the file system of the home folder, 0 to 100. */
  readonly diskFreePercent?: number | undefined;
  /** Of the hottest core, in degrees Celsius. */
  readonly cpuTemperature?: number | undefined;
  readonly networkSentBytes?: number | undefined;
  readonly networkReceivedBytes?: number | undefined;
  readonly diskReadBytes?: number | undefined;
  readonly diskWrittenBytes?: number | undefined;
  readonly gpus?: readonly GpuSample[] | undefined;
}

/** A graphics processor at one moment. */
export interface GpuSample {
  readonly index: number;
  /** 0 to 100. */
  readonly utilizationPercent?: number | undefined;
  readonly memoryUsedBytes?: number | undefined;
  readonly memoryTotalBytes?: number | undefined;
  /** Degrees Celsius. */
  readonly temperature?: number | undefined;
  readonly powerWatts?: number | undefined;
}

/** Reads the machine. May take its time, may fail: then there is a gap. */
export interface MachineReader {
  read(signal: AbortSignal): Promise<MachineSample>;
}
