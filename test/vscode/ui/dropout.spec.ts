// A network with dropout whose rate a placeholder decides: Train asks for it, and a quick fix does.
import { digits } from "../harness/content";
import { expect, test } from "./fixtures";

const RECIPE = "model.graft.json";
const EDITS = [{ freeze: { upTo: "Variable_4" } }, { replaceOutput: { classes: 5 } }];
const data = { ...digits().data, inputs: { x: "digits_5_to_9_X.npy" } };

test.describe("with data", () => {
  test.use({
    content: {
      sample: "without recipes",
      fixtures: { cnn: "b2_cnn_digits" },
      files: {
        [RECIPE]: { checkpoint: "cnn/model.ckpt", edits: EDITS, data, train: [{ epochs: 2 }] },
      },
    },
  });

  test("Train asks for keep_prob, and a quick fix does", async ({ workbench: w }) => {
    await w.openSideBar("Explorer");
    await w.explorerItem(RECIPE).dblclick();
    await w.lens("Train").first().click();
    await w.asked("keep_prob: the share of units that dropout keeps");
    await w.page.keyboard.press("Escape");
    await expect(w.notification("cannot train")).toHaveCount(0);

    // The text lies above the line that underlines it.
    await w.page.locator(".squiggly-error").first().click({ force: true });
    await w.page.keyboard.press("ControlOrMeta+.");
    await w.page.getByText("Set the value of keep_prob…").click();
    await w.answer("keep_prob: the share", "1.5");
    await expect(w.inputMessage).toContainText("A number is expected: more than 0, up to 1.");
    await w.answer("A number is expected", "0.8");
    await w.choose("dropout keeps 80 % of the units", `Write to ${RECIPE}`);
    await expect(w.page.locator(".squiggly-error")).toHaveCount(0);

    await w.page.keyboard.press("ControlOrMeta+z");
    await expect(w.page.locator(".squiggly-error").first()).toBeVisible();
    await w.lens("Train").first().click();
    await w.answer("keep_prob: the share", "0.5");
    await w.choose("dropout keeps 50 % of the units", `Write to ${RECIPE}`);
    await expect(w.notification(`Training of ${RECIPE} finished.`)).toBeVisible();
  });
});

test.describe("without data", () => {
  test.use({
    content: {
      sample: "without recipes",
      fixtures: { cnn: "b2_cnn_digits" },
      files: { [RECIPE]: { checkpoint: "cnn/model.ckpt", edits: EDITS, train: [{ epochs: 2 }] } },
    },
  });

  test("data and keep_prob are asked for in one go, with the question always on the screen", async ({
    workbench: w,
  }) => {
    await w.openSideBar("Explorer");
    await w.explorerItem(RECIPE).dblclick();
    await w.lens("Train").first().click();
    await w.asked("What to learn from");
    await w.page.evaluate(COUNT_CLOSINGS);
    await w.choose("What to learn from", "digits_5_to_9_X.npy, 696 × 64 float32 → x");
    await w.choose("Share of the samples", "20 %");
    await w.asked("keep_prob: the share of units that dropout keeps");
    await w.page.keyboard.press("Enter");
    await w.asked("dropout keeps 50 % of the units");
    expect(await w.page.evaluate("document.body.dataset.closings")).toBe("0");
    await w.choose("dropout keeps 50 % of the units", `Write to ${RECIPE}`);
    await expect(w.notification(`Training of ${RECIPE} finished.`)).toBeVisible();
    await expect(w.page.locator(".quick-input-widget")).toBeHidden();
  });
});

/** In the page: how often the quick input was taken away from now on. */
const COUNT_CLOSINGS = `{
  const widget = document.querySelector(".quick-input-widget");
  document.body.dataset.closings = "0";
  let wasOpen = true;
  new MutationObserver(() => {
    const isOpen = widget.style.display !== "none";
    if (wasOpen && !isOpen) document.body.dataset.closings++;
    wasOpen = isOpen;
  }).observe(widget, { attributes: true, attributeFilter: ["style"] });
}`;
