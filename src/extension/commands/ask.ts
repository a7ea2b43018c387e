// Quick inputs with a way back: one question at a time, Escape leaves, the arrow returns to the question before.
// An answered question stays on the screen until the next one is shown or the command ends: a gap would give the focus
// back to the editor, and what gets the focus there closes the next question.
import * as vscode from "vscode";

export const BACK = Symbol("back");
/** An answer, a wish to go back, or nothing when the person left. */
export type Answer<T> = T | typeof BACK | undefined;

export interface Question {
  readonly title: string;
  readonly step?: number;
  readonly steps?: number;
  readonly prompt: string;
}

export interface Choice<T> extends vscode.QuickPickItem {
  readonly value: T;
}

export async function pick<T>(
  question: Question,
  choices: readonly Choice<T>[] | Promise<readonly Choice<T>[]>,
  active?: Choice<T>,
): Promise<Answer<T>> {
  const box = vscode.window.createQuickPick<Choice<T>>();
  setUp(box, question);
  box.placeholder = question.prompt;
  box.matchOnDescription = true;
  box.matchOnDetail = true;
  const fill = (items: readonly Choice<T>[]) => {
    box.items = items;
    if (active) box.activeItems = [active];
    box.busy = false;
  };
  if (!(choices instanceof Promise)) fill(choices);
  else box.busy = true;
  return shown<T>(box, (done, fail) => {
    if (choices instanceof Promise) choices.then(fill, fail);
    return box.onDidAccept(() => {
      const [item] = box.selectedItems;
      if (item) done(item.value);
    });
  });
}

/** One of the choices, or what was typed. */
export async function pickOrType(
  question: Question,
  choices: readonly string[],
  icon: string,
): Promise<Answer<string>> {
  const box = vscode.window.createQuickPick();
  setUp(box, question);
  box.placeholder = question.prompt;
  const known = choices.map((label) => ({ label, iconPath: new vscode.ThemeIcon(icon) }));
  box.items = known;
  return shown(box, (done) =>
    vscode.Disposable.from(
      box.onDidChangeValue((value) => {
        const typed = value.trim();
        const extra = typed !== "" && !choices.includes(typed);
        box.items = extra
          ? [...known, { label: typed, description: "pattern", alwaysShow: true }]
          : known;
      }),
      box.onDidAccept(() => {
        const [item] = box.selectedItems;
        if (item) done(item.label);
      }),
    ),
  );
}

export async function input(
  question: Question,
  value: string,
  check: (text: string) => string | undefined,
): Promise<Answer<string>> {
  const box = vscode.window.createInputBox();
  setUp(box, question);
  box.prompt = question.prompt;
  box.value = value;
  const validate = () => {
    box.validationMessage = check(box.value.trim());
    return box.validationMessage === undefined;
  };
  return shown(box, (done) =>
    vscode.Disposable.from(
      box.onDidChangeValue(validate),
      box.onDidAccept(() => {
        if (validate()) done(box.value.trim());
      }),
    ),
  );
}

/** The question that was answered last, while it is on the screen. */
let answered: vscode.QuickInput | undefined;

/** Takes the last answered question away. */
export function endQuestions(): void {
  answered?.hide();
}

/** Asks one step after the other. Each step sees the answers so far; a step that returns null has nothing to ask. */
export async function walk<A extends object>(
  start: A,
  steps: readonly ((answers: A) => Promise<Answer<A>> | null)[],
): Promise<A | undefined> {
  const before: { at: number; answers: A }[] = [];
  let answers = start;
  for (let at = 0; at < steps.length;) {
    const asked = steps[at]?.(answers);
    if (!asked) {
      at++;
      continue;
    }
    const answer = await asked;
    if (answer === undefined) return undefined;
    if (answer === BACK) {
      const last = before.pop();
      if (!last) return undefined;
      ({ at, answers } = last);
      continue;
    }
    before.push({ at, answers });
    answers = answer;
    at++;
  }
  return answers;
}

function setUp(box: vscode.QuickInput, question: Question): void {
  box.title = question.title;
  box.step = question.step;
  box.totalSteps = question.steps;
}

function shown<T>(
  box: vscode.QuickInput & {
    buttons: readonly vscode.QuickInputButton[];
    onDidTriggerButton: vscode.Event<vscode.QuickInputButton>;
  },
  wire: (done: (value: T) => void, fail: (error: unknown) => void) => vscode.Disposable,
): Promise<Answer<T>> {
  if ((box.step ?? 1) > 1) box.buttons = [vscode.QuickInputButtons.Back];
  return new Promise<Answer<T>>((resolve, reject) => {
    let isOpen = true;
    const done = (value: Answer<T>) => {
      if (!isOpen) return;
      isOpen = false;
      box.busy = true;
      answered = box;
      resolve(value);
    };
    box.onDidTriggerButton((button) => {
      if (button === vscode.QuickInputButtons.Back) done(BACK);
    });
    box.onDidHide(() => {
      done(undefined);
      if (answered === box) answered = undefined;
      box.dispose();
    });
    wire(done, (error) => {
      reject(error);
      isOpen = false;
      box.dispose();
    });
    box.show();
  });
}
