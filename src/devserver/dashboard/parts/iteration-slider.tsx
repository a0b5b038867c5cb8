/** Goes back and forth among the iterations that there are. */

export interface IterationSliderProps {
  /** Ascending. */
  readonly iterations: readonly number[];
  /** Number of the one that is shown. */
  readonly at: number;
  readonly what: string;
  readonly onChange: (at: number) => void;
}

export function IterationSlider({ iterations, at, what, onChange }: IterationSliderProps) {
  const shown = iterations[at];
  return (
    <label class="slider">
      <span>
        Iteration <output>{shown === undefined ? "–" : String(shown)}</output>
      </span>
      {iterations.length > 1 && (
        <input
          type="range"
          min="0"
          max={iterations.length - 1}
          step="1"
          value={at}
          aria-label={`Iteration of ${what}`}
          aria-valuetext={shown === undefined ? "none" : `iteration ${String(shown)}`}
          onInput={(event) => {
            onChange(Number(event.currentTarget.value));
          }}
        />
      )}
    </label>
  );
}
