"""How well a page's texts can be told from what is behind them."""

from typing import Any

COLOURS = """
() => {
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const texts = [...document.querySelectorAll("body *")].filter(
    (each) => each.checkVisibility() && [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()),
  );
  const drawn = (text) => {
    const shape = text.parentElement.matches("svg") ? null : text.parentElement.querySelector("rect");
    return [getComputedStyle(text).fill, shape ? getComputedStyle(shape).fill : behind(text.closest("svg"))];
  };
  return texts.map((each) => [
    each.getAttribute("class") || each.tagName,
    ...(each instanceof SVGElement ? drawn(each) : [getComputedStyle(each).color, behind(each)]),
  ]);
}
"""
"""Evaluated in the page: a name, the colour and the background of every element with text in it."""


def contrast(first: str, second: str) -> float:
    """Their contrast ratio, from 1 to 21. Source: WCAG 2.2, "contrast ratio" and "relative luminance"."""
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


async def faint_texts(page: Any, least: float) -> list[str]:
    """The texts of a page whose contrast is below ``least``."""
    found = await page.evaluate(COLOURS)
    assert found
    ratios = {(name, contrast(colour, background)) for name, colour, background in found}
    return sorted(f"{name}: {ratio:.2f}" for name, ratio in ratios if ratio < least)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(float(each) / 255) for each in colour.partition("(")[2].rstrip(")").split(",")[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return float(channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4)
