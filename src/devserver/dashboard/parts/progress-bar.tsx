/** How far a task is, in percent. */

export interface ProgressBarProps {
  /** 0 to 100. */
  readonly percent: number;
  readonly label: string;
  readonly status: string | undefined;
}

export function ProgressBar({ percent, label, status }: ProgressBarProps) {
  const rounded = Math.round(percent);
  return (
    <div class="progress" data-status={status}>
      <div class="progress-track" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={rounded}>
        <div class="progress-fill" style={{ width: `${String(percent)}%` }} />
      </div>
      <span class="progress-number">{rounded}%</span>
    </div>
  );
}
